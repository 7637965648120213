import type { Message } from './message.ts'

/**
 * A message as the model reads it: attached files first, each under its name, then the text. Reasoning is left out.
 * `readAttachment` gives the text of a file by its hash; a file that is gone is said to be gone, so that the model does not make it up.
 */
export function promptText(message: Pick<Message, 'parts'>, readAttachment: (hash: string) => string | undefined): string {
  const files: string[] = []
  let text = ''
  for (const part of message.parts) {
    if (part.type === 'text') text += part.text
    if (part.type === 'attachment') {
      const name = part.name.replace(/["\n\r<>]/g, '_')
      const content = readAttachment(part.hash)
      files.push(content === undefined ? `<file name="${name}" missing />` : `<file name="${name}">\n${content}\n</file>`)
    }
  }
  return [...files, text].filter(piece => piece !== '').join('\n\n')
}
