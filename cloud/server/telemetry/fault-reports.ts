// Reports faults of the program to Sentry. Loaded only where a DSN is set.
import { captureException, close, type ErrorEvent, init } from '@sentry/node'

export interface FaultReports {
  report(error: unknown, ids: { request: string; trace: string; route: string | undefined }): void
  close(): Promise<void>
}

/** How long the end of the process waits for the last report. */
const CLOSE_MS = 2_000

export function createFaultReports({ dsn, version }: { dsn: string; version: string }): FaultReports {
  // None of its integrations: they would add what was asked, by whom, and what the log said before.
  init({ dsn, release: version, defaultIntegrations: false, enableRuntimeChannelInjection: false, beforeSend: scrub })
  return {
    report(error, { request, trace, route }) {
      captureException(error, { tags: { request, trace, ...(route && { route }) } })
    },
    async close() {
      await close(CLOSE_MS)
    },
  }
}

/** A new event with what is known to be fit to send: kind and place of the error, and ids of ours. Nothing else is passed on, whatever it is. */
function scrub({ event_id, timestamp, platform, level, release, tags, exception }: ErrorEvent): ErrorEvent {
  const values = exception?.values?.map(({ type, stacktrace }) => ({
    ...(type && { type }),
    ...(stacktrace?.frames && {
      stacktrace: {
        frames: stacktrace.frames.map(({ filename, function: name, lineno, colno, in_app }) => ({
          ...(filename && { filename }),
          ...(name && { function: name }),
          ...(lineno && { lineno }),
          ...(colno && { colno }),
          ...(in_app !== undefined && { in_app }),
        })),
      },
    }),
  }))
  return {
    type: undefined,
    ...(event_id && { event_id }),
    ...(timestamp && { timestamp }),
    ...(platform && { platform }),
    ...(level && { level }),
    ...(release && { release }),
    ...(tags && { tags }),
    ...(values && { exception: { values } }),
  }
}
