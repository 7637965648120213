import { chooseServer, LOAD_WEIGHT } from '../../../cloud/server/inference/pool/choose-server.ts'
import { createPrefixIndex } from '../../../cloud/server/inference/pool/prefix-index.ts'
import { shape } from './published.ts'
import { countInFlight, type MakePolicy } from './policy.ts'

/** The cloud's own decision, with its own index of what servers have read: the code that runs there (`take` in inference/models.ts). */
export const fusion =
  ({ weight = LOAD_WEIGHT, cacheBlocks = shape.cacheBlocks } = {}): MakePolicy =>
  (engines, random) => {
    const { inFlight, taken, done } = countInFlight(engines)
    const indexes = engines.map(() => {
      const index = createPrefixIndex()
      // Blocks of 256 characters are some 64 tokens, as the blocks of these servers.
      index.resize(cacheBlocks)
      return index
    })
    return {
      choose({ blocks }) {
        const candidates = engines.map((_, server) => ({
          server,
          load: inFlight[server]!,
          matched: indexes[server]!.matched(blocks),
        }))
        const { server } = chooseServer(candidates, { blocks: blocks.length, weight, random })
        indexes[server]!.read(blocks)
        return taken(server)
      },
      done,
    }
  }
