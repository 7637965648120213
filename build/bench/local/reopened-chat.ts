import { basename } from 'node:path'
import { firstTokenMs } from '../answer.ts'
import { startFusion } from '../fusion.ts'
import { newQuestion } from '../questions.ts'
import { undisturbed } from '../quiet.ts'
import { judge, type Pair, type Row } from '../report.ts'
import { configure } from './configure.ts'
import { typeOut } from './type-out.ts'
import type { Setting } from './setting.ts'

/** A long chat is opened in a new engine, its state on disk; a short question is typed; Enter. Against prefilling that chat in full. */
export async function reopenedChat(setting: Setting): Promise<Row[]> {
  const promptTokens = setting.quick ? 1000 : 2000
  const home = await setting.newHome()
  async function reopen(): Promise<Pair> {
    const before = await startFusion(home)
    await configure(before, setting)
    const { modelId } = await before.loadModel(basename(setting.speedModel))
    const first = await before.openChat({ modelId, maxTokens: 16 })
    const prefill = firstTokenMs(await first.ask(newQuestion(promptTokens)))
    first.close()
    await before.close() // writes the chat's state

    const after = await startFusion(home)
    await after.loadModel(basename(setting.speedModel))
    const chat = await after.openChat({ modelId, maxTokens: 16, conversationId: first.id })
    const question = newQuestion(24)
    await typeOut(chat, [question], after.pid)
    const ours = firstTokenMs(await chat.ask(question))
    chat.close()
    await after.close()
    return { ours, reference: prefill }
  }
  const rounds: Pair[] = []
  for (let round = 0; round < (setting.quick ? 1 : 3); round++) rounds.push(await undisturbed(reopen))
  return [
    judge(`Enter to first token, ${promptTokens}-token chat reopened (reference: prefilled in full)`, 'ms', rounds, {
      of: 'ratio',
      sense: 'at most',
      value: 0.02,
    }),
  ]
}
