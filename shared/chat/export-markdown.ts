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

/** A file name that every system takes, from a title. */
export function exportFileName(title: string): string {
  const name = Array.from(
    title
      .replace(/[\\/:*?"<>|\p{Cc}]/gu, ' ')
      .replace(/\s+/g, ' ')
      .trim(),
  )
    .slice(0, 80)
    .join('')
  return `${name === '' || /^\.+$/.test(name) ? 'Chat' : name}.md`
}
