// node measure-purge.ts FOLDER MESSAGES: adds a chat of so many messages to the history that measure-search.ts wrote, purges it, and says
// in one line of JSON what that took, and how long other work of the process had to wait.
import { newId } from '@fusion/shared/contract/ids.ts'
import { openStorage } from '../storage.ts'
import { aMessage } from './a-message.ts'

const [folder, messages] = [process.argv[2]!, Number(process.argv[3])]
const storage = openStorage({ folder })
const { id } = storage.conversations.create({ id: newId(), title: 'To be purged' })
storage.atomically(() => {
  for (let number = 0; number < messages; number++) {
    // Words that many messages share, and some of its own, for about 1,000 letters.
    const words = Array.from({ length: 180 }, (_, place) =>
      place % 9 === 0 ? `own${(number * 31 + place) % 20_000}` : `word${(number * 7 + place * place) % 3000}`,
    )
    storage.messages.add(aMessage(id, words.join(' ')))
  }
})
storage.conversations.trash(id)
await storage.idle()

const waits: number[] = []
let last = performance.now()
const watching = setInterval(() => {
  waits.push(performance.now() - last - 1)
  last = performance.now()
}, 1)
const began = performance.now()
last = began
await storage.conversations.purge(id)
const seconds = (performance.now() - began) / 1000
clearInterval(watching)
storage.close()
waits.sort((a, b) => b - a)
const over = (ms: number) => waits.filter(wait => wait > ms).length
process.stdout.write(`${JSON.stringify({ messages, seconds, longest: waits.slice(0, 5), over20: over(20), over50: over(50) })}\n`)
