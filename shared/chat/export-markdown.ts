import type { Conversation } from './conversation.ts'
import { type Message, textOf } from './message.ts'

/** A branch of a chat as Markdown that reads well anywhere. */
export function exportMarkdown(conversation: Pick<Conversation, 'title'>, messages: readonly Message[]): string {
  const parts = [`# ${conversation.title.replace(/\s+/g, ' ')}`]
  for (const message of messages) {
    const models = [...new Set(message.segments.map(segment => `${segment.modelName} ${segment.quantization}`.trim()))]
    parts.push(message.role === 'user' ? '## You' : `## Assistant${models.length > 0 ? ` (${models.join(', ')})` : ''}`)
    for (const part of message.parts) if (part.type === 'attachment') parts.push(`*Attached: ${part.name}*`)
    const text = textOf(message).trim()
    if (text !== '') parts.push(text)
    if (message.status === 'stopped') parts.push('*Stopped here.*')
    if (message.status === 'failed') parts.push('*Broken off here.*')
  }
  return `${parts.join('\n\n')}\n`
}

/** Names that are devices on Windows, whatever stands behind their first dot. */
const devices = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i

/** Most systems take 255 bytes. A character has four at the most, and a number and an ending may follow. */
const MAX_CHARACTERS = 60

/** A file name that every system takes, from a title. */
export function exportFileName(title: string): string {
  const name = Array.from(
    title
      .replace(/[\\/:*?"<>|\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, ' ')
      // A name that begins with a dot is hidden, and one that ends with one loses it on Windows.
      .replace(/^[\s.]+|[\s.]+$/g, '')
      .replace(/\s+/g, ' '),
  )
    .slice(0, MAX_CHARACTERS)
    .join('')
    .trim()
  return `${name === '' ? 'Chat' : devices.test(name) ? `Chat ${name}` : name}.md`
}
