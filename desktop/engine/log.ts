export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** What an event is about: names, ids, numbers. Never what people wrote. */
export type LogFields = Record<string, string | number | boolean | null | undefined | readonly string[] | object>

export interface Log {
  debug(fields: LogFields, event: string): void
  info(fields: LogFields, event: string): void
  warn(fields: LogFields, event: string): void
  error(fields: LogFields, event: string): void
}

const rank: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 }

/** A stack trace fits; a message of a chat that slipped in by mistake is at least cut short. */
const MAX_FIELD = 4000

/** Logs events as JSON lines: `log.info({ model, ms }, 'generation finished')`. Events below `level` are dropped. */
export function createLog({ level, write }: { level: LogLevel; write: (line: string) => void }): Log {
  const at = (own: LogLevel) => (fields: LogFields, event: string) => {
    if (rank[own] < rank[level]) return
    write(JSON.stringify({ time: new Date().toISOString(), level: own, event, ...fields }, shorten) + '\n')
  }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

function shorten(_key: string, value: unknown): unknown {
  return typeof value === 'string' && value.length > MAX_FIELD ? `${value.slice(0, MAX_FIELD)}…` : value
}

/** A log line as a person reads it in a terminal, without what stands in the log file for diagnosis; undefined for what needs nobody's eyes. */
export function forTerminal(line: string): string | undefined {
  const { time, level, event, ...fields } = JSON.parse(line) as { time: string; level: LogLevel; event: string; [field: string]: unknown }
  if (rank[level] < rank.warn) return undefined
  const shown = Object.entries(fields).filter(([, value]) => typeof value === 'string' || typeof value === 'number')
  const about = shown.map(([name, value]) => `${name}: ${String(value).split('\n')[0]}`).join(', ')
  return `${new Date(time).toTimeString().slice(0, 8)} ${level}: ${event}${about && ` (${about})`}\n`
}
