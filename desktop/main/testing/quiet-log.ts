import { createShellLog, type ShellLog } from '../log.ts'

/** A log that remembers its events. */
export function createQuietLog(): ShellLog & { events: string[] } {
  const events: string[] = []
  return { ...createShellLog(line => events.push((JSON.parse(line) as { event: string }).event)), events }
}
