// node measure-search.ts FOLDER MESSAGES: writes a history of so many messages (or goes on with it), and says in one line of JSON what
// opening, writing and searching took.
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { openStorage } from '../storage.ts'
import { countHistory, writeHistory } from './long-history.ts'
import { measureSearches } from './search-mix.ts'

const [folder, messages] = [process.argv[2]!, Number(process.argv[3])]
const filling = openStorage({ folder })
const from = countHistory(filling)
const began = performance.now()
writeHistory(filling, from, messages)
const writeMs = from < messages ? (performance.now() - began) / (messages - from) : null
filling.close()

const opened = performance.now()
const storage = openStorage({ folder })
const openMs = performance.now() - opened
const searches = measureSearches(storage, 20).map(({ kind, ms, empty }) => {
  const sorted = ms.toSorted((a, b) => a - b)
  return { kind, p50: sorted[Math.floor(sorted.length / 2)], p99: sorted[Math.floor(sorted.length * 0.99)], empty }
})
storage.close()
const bytesEach = statSync(join(folder, 'fusion.db')).size / messages
process.stdout.write(`${JSON.stringify({ messages, writeMs, openMs, bytesEach, searches })}\n`)
