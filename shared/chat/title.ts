const LONGEST = 60

/** A title from the first question: its first line, cut at a word near 60 characters. */
export function titleFrom(text: string, fallback = 'New chat'): string {
  const line =
    text
      .split('\n')
      .map(part => part.replace(/\s+/g, ' ').trim())
      .find(part => part !== '') ?? ''
  const characters = Array.from(line)
  if (characters.length === 0) return fallback
  if (characters.length <= LONGEST) return line
  const head = characters.slice(0, LONGEST).join('')
  const space = head.lastIndexOf(' ')
  return `${(space > LONGEST / 2 ? head.slice(0, space) : head).replace(/[\s,;:.–-]+$/u, '')}…`
}
