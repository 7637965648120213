import { randomUUID } from 'node:crypto'
import type { GenerateEvent, TokenLogprob } from '@fusion/shared/contract/inference.ts'
import type { OutputItem, OutputText } from '@fusion/shared/openai/responses.ts'

type Tell = (type: string, fields: object) => Promise<void>

const newId = (kind: string) => `${kind}_${randomUUID().replaceAll('-', '')}`

/** The output of a response, item by item as it comes; each change is told as OpenAI's events tell it. */
export function createResponseOutput(tell: Tell) {
  const items: OutputItem[] = []
  /** The item that grows: always the last one. */
  let open: OutputItem | undefined

  async function begin(item: OutputItem): Promise<void> {
    await close('completed')
    open = item
    items.push(item)
    await tell('response.output_item.added', { output_index: items.length - 1, item })
  }

  const place = () => ({ output_index: items.length - 1, item_id: open!.id })

  async function message(): Promise<OutputText> {
    if (open?.type === 'message') return open.content[0]!
    const content: OutputText[] = []
    await begin({ type: 'message', id: newId('msg'), status: 'in_progress', role: 'assistant', content })
    const part: OutputText = { type: 'output_text', text: '', annotations: [], logprobs: [] }
    content.push(part)
    await tell('response.content_part.added', { ...place(), content_index: 0, part })
    return part
  }

  async function reasoning(): Promise<{ text: string }> {
    if (open?.type === 'reasoning') return open.content[0]!
    const content: { type: 'reasoning_text'; text: string }[] = []
    await begin({ type: 'reasoning', id: newId('rs'), summary: [], content })
    const part = { type: 'reasoning_text' as const, text: '' }
    content.push(part)
    await tell('response.content_part.added', { ...place(), content_index: 0, part })
    return part
  }

  async function close(status: 'completed' | 'incomplete'): Promise<void> {
    if (!open) return
    const item = open
    if (item.type !== 'reasoning') item.status = status
    if (item.type === 'message') {
      const [part] = item.content
      await tell('response.output_text.done', { ...place(), content_index: 0, text: part!.text, logprobs: part!.logprobs })
      await tell('response.content_part.done', { ...place(), content_index: 0, part })
    } else if (item.type === 'reasoning') {
      await tell('response.reasoning_text.done', { ...place(), content_index: 0, text: item.content[0]!.text })
      await tell('response.content_part.done', { ...place(), content_index: 0, part: item.content[0] })
    } else {
      await tell('response.function_call_arguments.done', { ...place(), name: item.name, arguments: item.arguments })
    }
    await tell('response.output_item.done', { output_index: items.length - 1, item })
    open = undefined
  }

  return {
    items,
    close,
    async take(event: GenerateEvent): Promise<void> {
      // Tokens without a text, such as a mark behind a call, begin no message.
      if (event.type === 'text-delta' && event.text === '' && open?.type !== 'message') return
      if (event.type === 'text-delta' && event.part === 'text') {
        const part = await message()
        part.text += event.text
        const logprobs = (event.logprobs ?? []).map(logprobOf)
        part.logprobs.push(...logprobs)
        await tell('response.output_text.delta', { ...place(), content_index: 0, delta: event.text, logprobs })
      } else if (event.type === 'text-delta') {
        const part = await reasoning()
        part.text += event.text
        await tell('response.reasoning_text.delta', { ...place(), content_index: 0, delta: event.text })
      } else if (event.type === 'tool-call-started') {
        await begin({ type: 'function_call', id: newId('fc'), status: 'in_progress', call_id: event.id, name: event.name, arguments: '' })
      } else if (event.type === 'tool-call-delta' && open?.type === 'function_call') {
        open.arguments += event.arguments
        await tell('response.function_call_arguments.delta', { ...place(), delta: event.arguments })
      }
    },
  }
}

function logprobOf({ top, ...own }: TokenLogprob): OutputText['logprobs'][number] {
  const told = ({ text, logprob, bytes }: Omit<TokenLogprob, 'top'>) => ({ token: text, logprob, bytes })
  return { ...told(own), top_logprobs: top.map(told) }
}
