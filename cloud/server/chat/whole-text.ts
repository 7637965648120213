/**
 * Makes text of the pieces that a model server sends: half of a character (a surrogate) waits for its other half. What is no text is shown as
 * U+FFFD, NUL as well: Postgres keeps neither in JSON.
 */
export function createWholeText() {
  let half = ''
  return {
    take(piece: string): string {
      const text = half + piece
      half = /[\uD800-\uDBFF]$/.exec(text)?.[0] ?? ''
      return clean(half ? text.slice(0, -1) : text)
    },
    /** What still waited when nothing more came. */
    end(): string {
      const rest = clean(half)
      half = ''
      return rest
    },
  }
}

const clean = (text: string) => text.toWellFormed().replaceAll('\0', '\uFFFD')
