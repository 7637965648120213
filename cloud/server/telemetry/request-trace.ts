import type { FastifyInstance } from 'fastify'
import { asStep, nextStep, parseTraceparent, type Recorder, traceparent, type TraceStep } from './trace.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The step of its trace that this request is. */
    trace: TraceStep
  }
}

/** Makes each request a step of the trace that its headers name, or of a new one, and runs all of its work as that step. */
export function traceRequests(app: FastifyInstance, recorder: Recorder | undefined): void {
  app.decorateRequest('trace', null as never)
  app.addHook('onRequest', (request, reply, done) => {
    const parent = parseTraceparent(request.headers.traceparent, request.headers.tracestate)
    const attributes = { 'http.request.method': request.method, 'fusion.request.id': request.id }
    const recorded = recorder?.begin(request.method, { kind: 'server', parent, attributes })
    request.trace = recorded?.step ?? nextStep(parent)
    // On the raw reply, so that a stream that is written to it by hand has them too.
    reply.raw.setHeader('x-request-id', request.id)
    reply.raw.setHeader('traceparent', traceparent(request.trace))
    if (recorded)
      reply.raw.once('close', () => {
        const route = request.routeOptions.config.described?.path
        const status = reply.raw.statusCode
        recorded.end({
          name: route ? `${request.method} ${route}` : request.method,
          attributes: { ...(route && { 'http.route': route }), 'http.response.status_code': status },
          failed: status >= 500,
        })
      })
    asStep(request.trace, recorder, done)
  })
  // A body is read on events of its socket, which know nothing of this step.
  app.addHook('preValidation', (request, _reply, done) => asStep(request.trace, recorder, done))
}
