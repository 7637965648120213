import { chooseServer, isNewTo, LOAD_WEIGHT } from '../../../cloud/server/inference/pool/choose-server.ts'
import { createPrefixIndex } from '../../../cloud/server/inference/pool/prefix-index.ts'
import type { EngineShape } from '../../../cloud/testing/mock-engine.ts'
import { countInFlight, type MakePolicy } from './policy.ts'

/** As in pool-server.ts, where nothing else is said of a server. */
const SLOTS = 256

/** The cloud's own decision over its own index of what servers have read: the code that runs there, called as `take` in inference/models.ts calls it. */
export const fusion =
  ({ cacheBlocks }: EngineShape, weight = LOAD_WEIGHT): MakePolicy =>
  (engines, random) => {
    const { inFlight, taken, done } = countInFlight(engines)
    const newAt = engines.map(() => 0)
    let news = 0
    const indexes = engines.map(() => {
      const index = createPrefixIndex()
      // 256 characters are some 64 tokens: one block of these servers.
      index.resize(cacheBlocks)
      return index
    })
    return {
      choose({ blocks }) {
        const candidates = engines.map((_, server) => ({
          server,
          load: inFlight[server]!,
          slots: SLOTS,
          matched: indexes[server]!.matched(blocks),
          newAt: newAt[server]!,
        }))
        const { server } = chooseServer(candidates, { blocks: blocks.length, weight, random })
        if (isNewTo(candidates)) newAt[server] = ++news
        indexes[server]!.read(blocks)
        return taken(server)
      },
      done,
    }
  }
