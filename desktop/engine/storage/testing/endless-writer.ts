// Writes messages until it is killed, and says on stdout what is on disk: a line after each call that returned.
import { writeSync } from 'node:fs'
import { newId } from '@fusion/shared/contract/ids.ts'
import { openStorage } from '../storage.ts'
import { aGrowingAnswer, aMessage, complete } from './a-message.ts'

const storage = openStorage({ folder: process.argv[2]! })
const say = (line: string) => void writeSync(1, `${line}\n`)

let parent: string | null = null
const { id } = storage.conversations.create({ id: newId(), title: 'Endless' })
say(`chat ${id}`)
for (let count = 0; ; count++) {
  const question = aMessage(id, `Question ${count} ${'of many words '.repeat(count % 40)}`, parent)
  storage.messages.add(question)
  say(`finished ${question.id}`)
  const answer = aGrowingAnswer(id, question.id)
  storage.messages.begin(answer)
  for (let step = 0; step < 20; step++) {
    storage.messages.grow(answer.id, 'text', `${step} `)
    say(`grown ${answer.id} ${step}`)
  }
  storage.messages.finish(answer.id, complete)
  storage.conversations.setHead(id, answer.id)
  say(`finished ${answer.id}`)
  parent = answer.id
}
