// Records traces and sends them on, by OTLP over HTTP. Loaded only where a place for traces is named.
import { setTimeout as wait } from 'node:timers/promises'
import { ROOT_CONTEXT, SpanKind as Kind, SpanStatusCode, trace, TraceFlags } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { AlwaysOnSampler, BatchSpanProcessor, ParentBasedSampler, TracerProvider } from '@opentelemetry/sdk-trace'
import type { Recorder, TraceStep } from './trace.ts'

const CLOSE_MS = 2_000
const kinds = { server: Kind.SERVER, client: Kind.CLIENT, internal: Kind.INTERNAL }

/** A trace that begins elsewhere is recorded if it is there; one that begins here always is. */
export function createRecorder({ url, version }: { url: string; version: string }): Recorder {
  const exporter = new OTLPTraceExporter({ url: `${url.replace(/\/+$/, '')}/v1/traces` })
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'fusion-cloud', 'service.version': version }),
    sampler: new ParentBasedSampler({ root: new AlwaysOnSampler() }),
    spanProcessors: [new BatchSpanProcessor({ exporter })],
  })
  const tracer = provider.getTracer('fusion-cloud')
  return {
    begin(name, { kind, parent, attributes }) {
      const span = tracer.startSpan(name, { kind: kinds[kind], attributes }, parent ? contextOf(parent) : ROOT_CONTEXT)
      const { traceId, spanId, traceFlags } = span.spanContext()
      return {
        step: { traceId, spanId, flags: traceFlags & TraceFlags.SAMPLED, ...(parent?.state && { state: parent.state }) },
        end({ name: better, attributes: more = {}, failed = false }) {
          if (better) span.updateName(better)
          span.setAttributes(more)
          if (failed) span.setStatus({ code: SpanStatusCode.ERROR })
          span.end()
        },
      }
    },
    // What is waiting is sent; a receiver that is not there does not hold up the end.
    async close() {
      const enough = new AbortController()
      const patience = wait(CLOSE_MS, undefined, { signal: enough.signal })
      await Promise.race([provider.shutdown(), patience]).catch(() => {})
      enough.abort()
      await patience.catch(() => {})
    },
  }
}

const contextOf = ({ traceId, spanId, flags }: TraceStep) =>
  trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: flags, isRemote: true })
