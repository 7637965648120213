export interface ShellLog {
  info(fields: Record<string, unknown>, event: string): void
  warn(fields: Record<string, unknown>, event: string): void
}

/** Events with fields, one JSON line each. Fields are ids, numbers and names, never what people wrote. */
export function createShellLog(write: (line: string) => void): ShellLog {
  const at = (level: string) => (fields: Record<string, unknown>, event: string) =>
    write(`${JSON.stringify({ time: new Date().toISOString(), level, from: 'shell', event, ...fields })}\n`)
  return { info: at('info'), warn: at('warn') }
}
