import { createInterface } from 'node:readline'
import type { PassingQuestion, PassingTurn } from '@fusion/shared/contract/engine.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import type { Tools } from '../command.ts'
import type { OpenEngine } from '../engine/open-engine.ts'
import { inWords } from '../failure-words.ts'
import { dim } from '../terminal.ts'
import { sayEnd } from './say-end.ts'
import { takeAnswer } from './take-answer.ts'

const INTERRUPTED = 130

const help = [
  'Write a question and press Enter. A backslash at the end of a line goes on in the next one.',
  '/new    begins anew: the model forgets what was said',
  '/help   shows this',
  '/exit   ends it, as Ctrl-D does. Ctrl-C stops an answer.',
]

/** Questions and answers in turn, until the person ends it. What was said is remembered for as long as it goes on, and kept nowhere. */
export async function talk(
  engine: OpenEngine,
  how: Pick<PassingQuestion, 'modelId' | 'system' | 'sampling'>,
  tools: Tools,
): Promise<number | void> {
  const { terminal, signal } = tools
  terminal.say(dim('A chat on this computer; nothing of it is kept. /help says more, Ctrl-D ends it.'))
  const typed: string[] = []
  let threadId = newId()
  let turns: PassingTurn[] = []
  for (;;) {
    const line = await ask(typed, signal)
    if (line === 'interrupted') return INTERRUPTED
    if (line === 'ended') return
    const question = line.text.trim()
    if (question === '/exit') return
    if (question === '/help') for (const text of help) terminal.say(dim(text))
    if (question === '/new') {
      threadId = newId()
      turns = []
      terminal.say(dim('A new chat.'))
    }
    if (question === '' || ['/help', '/new'].includes(question)) continue
    turns = await answer(engine, { ...how, threadId, turns: [...turns, { role: 'user', text: line.text }] }, tools)
  }
}

/** Prints the answer, and gives what is remembered after it: the turns that the window holds, with as much of the answer as came. */
async function answer(engine: OpenEngine, question: PassingQuestion, tools: Tools): Promise<PassingTurn[]> {
  const { terminal, stop } = tools
  const controller = new AbortController()
  const signal = AbortSignal.any([tools.signal, controller.signal])
  const stopListening = stop.onInterrupt(() => controller.abort())
  const { turns } = question
  let text = ''
  try {
    const given = await takeAnswer(engine, question, { terminal, signal }, async piece => {
      text += piece
      await terminal.write(piece)
    })
    await terminal.write(text.endsWith('\n') ? '\n' : '\n\n')
    sayEnd(given, terminal)
    return [...turns.slice(given.begun.leftOut.messages), { role: 'assistant', text }]
  } catch (error) {
    if (text !== '') await terminal.write('\n')
    if (tools.signal.aborted || !(error instanceof Failure) || error.code === 'disconnected') throw error
    terminal.say(error.code === 'cancelled' ? dim('Stopped.') : inWords(error))
    // A question without an answer would be followed by the next question, which templates refuse.
    return text === '' ? turns.slice(0, -1) : [...turns, { role: 'assistant', text }]
  } finally {
    stopListening()
  }
}

/** One question, of one or more lines. A new reader each time: between them the terminal is as it was, so that Ctrl-C is a signal again. */
function ask(typed: string[], signal: AbortSignal): Promise<{ text: string } | 'ended' | 'interrupted'> {
  return new Promise(resolve => {
    const reader = createInterface({ input: process.stdin, output: process.stdout, prompt: '> ', history: typed, historySize: 200 })
    const lines: string[] = []
    let done = false
    const finish = (result: { text: string } | 'ended' | 'interrupted') => {
      done = true
      signal.removeEventListener('abort', abort)
      resolve(result)
      reader.close()
    }
    const abort = () => finish('interrupted')
    signal.addEventListener('abort', abort, { once: true })
    reader.on('history', history => void typed.splice(0, typed.length, ...history))
    reader.on('line', line => {
      const goesOn = line.endsWith('\\')
      lines.push(goesOn ? line.slice(0, -1) : line)
      if (!goesOn) return finish({ text: lines.join('\n') })
      reader.setPrompt('… ')
      reader.prompt()
    })
    reader.on('SIGINT', () => {
      // Something is typed: it is taken back, as in a shell. Nothing is: the chat ends.
      if (reader.line === '' && lines.length === 0) {
        process.stdout.write('\n')
        return finish('interrupted')
      }
      lines.length = 0
      reader.setPrompt('> ')
      process.stdout.write('\n')
      reader.write(null, { ctrl: true, name: 'e' })
      reader.write(null, { ctrl: true, name: 'u' })
      reader.prompt()
    })
    reader.on('close', () => {
      if (done) return
      process.stdout.write('\n')
      finish('ended')
    })
    if (signal.aborted) return abort()
    reader.prompt()
  })
}
