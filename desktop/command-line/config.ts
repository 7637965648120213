// What the command line reads from its surroundings; the engine's settings are in engine/config.ts.

/** True where nothing may be coloured or redrawn: the person wished it (https://no-color.org), or the terminal can't. */
export function wantsPlain(env: Record<string, string | undefined> = process.env): boolean {
  return Boolean(env['NO_COLOR']) || env['TERM'] === 'dumb'
}
