import type { Storage } from '../storage.ts'
import { foldersOf } from './long-history.ts'

/** What a search of one kind took, ms, and how many queries of the kind found nothing. */
export interface SearchTimes {
  kind: string
  ms: number[]
  empty: number
}

const anywhere = {
  rare: ['seldom ', 'seldom'],
  common: ['the ', 'of ', 'der ', 'green ', 'не '],
  phrase: ['"green tea"', '"the water"', '"of the"'],
  prefix: ['t', 'th', 'gre', 'wat', 'ba'],
  'two Chinese characters': ['中国', '北京', '我们'],
}
const inFolder = ['the ', 'th', '中国', '"the of"']

/** Asks a long history the fixed mix of searches, `rounds` times. */
export function measureSearches(storage: Storage, rounds: number): SearchTimes[] {
  const { small, large } = foldersOf(storage)
  const kinds = [
    ...Object.entries(anywhere).map(([kind, texts]) => ({ kind, queries: texts.map(text => ({ text })) })),
    { kind: 'in a small folder', queries: inFolder.map(text => ({ text, folderId: small })) },
    { kind: 'in a large folder', queries: inFolder.map(text => ({ text, folderId: large })) },
  ]
  return kinds.map(({ kind, queries }) => {
    const times: SearchTimes = { kind, ms: [], empty: 0 }
    for (let round = 0; round < rounds; round++) {
      for (const query of queries) {
        const began = performance.now()
        const { hits } = storage.search.find({ ...query, limit: 30 })
        times.ms.push(performance.now() - began)
        if (hits.length === 0) times.empty++
      }
    }
    return times
  })
}
