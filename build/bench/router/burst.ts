import { judge, type Row } from '../report.ts'
import { createCluster } from './cluster.ts'
import { figuresOf } from './ladder.ts'
import type { MakePolicy } from './policy.ts'
import { policies } from './policies.ts'
import { SERVERS, shape } from './published.ts'
import { seededRandom } from './random.ts'
import type { RouterSetting } from './setting.ts'
import { type Asked, createBlocks, type NewBlocks } from './workload.ts'

const REQUESTS = 500
const PROMPT = 1_200

/** One prompt, like no other, with an answer of 200 to 1,800 tokens. */
function distinct(newBlocks: NewBlocks, at: number, draw: () => number): Asked {
  const blocks = newBlocks(Math.floor(PROMPT / shape.blockTokens))
  return { tokens: PROMPT, blocks, at, answerTokens: 200 + Math.floor(draw() * 1_601) }
}

/** 500 at once, then as many one after the other at 25/s: whoever came first is done before the last one comes. */
function ask(policy: MakePolicy, seed: number, everyMs: number) {
  const draw = seededRandom(seed)
  const newBlocks = createBlocks()
  const asked = Array.from({ length: REQUESTS }, (_, index) => distinct(newBlocks, index * everyMs, draw))
  const answered = createCluster(shape, SERVERS, engines => policy(engines, seededRandom(seed + 1_000))).run(asked)
  const counts = Array.from({ length: SERVERS }, (_, server) => answered.filter(one => one.server === server).length)
  return { ...figuresOf(answered), most: Math.max(...counts) / (REQUESTS / SERVERS) }
}

/** Prompts that share nothing, beside the least loaded server: there is nothing to gain, and nothing may be lost. */
export async function burst({ seeds }: RouterSetting): Promise<Row[]> {
  const { fusion, 'least loaded': least } = policies(shape)
  return [0, 40].flatMap(everyMs => {
    const results = seeds.map(seed => ({ ours: ask(fusion, seed, everyMs), reference: ask(least, seed, everyMs) }))
    const what = everyMs === 0 ? `${REQUESTS} distinct prompts at once` : `${REQUESTS} distinct prompts, 25/s`
    const pairs = (figure: (one: ReturnType<typeof ask>) => number) =>
      results.map(({ ours, reference }) => ({ ours: figure(ours), reference: figure(reference) }))
    return [
      // Which long answers come together is chance: 2 % of it is not worse.
      judge(
        `${what}, beside least loaded: output`,
        'tokens/s',
        pairs(({ tokens }) => tokens),
        { of: 'ratio', sense: 'at least', value: 0.98 },
      ),
      judge(
        `${what}, beside least loaded: p90 to first token`,
        's',
        pairs(({ p90 }) => p90),
        { of: 'ratio', sense: 'at most', value: 1.02 },
      ),
      judge(
        `${what}: the most that one server got, of an even share`,
        '×',
        pairs(({ most }) => most),
        { of: 'ours', sense: 'at most', value: 2 },
      ),
    ]
  })
}
