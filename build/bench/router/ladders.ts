import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { repository } from '../config.ts'
import { type Goal, judge, type Pair, type Row } from '../report.ts'
import { median } from '../statistics.ts'
import { climb, type Figures } from './ladder.ts'
import { plot } from './plot.ts'
import { policies, type PolicyName, prefixRivals } from './policies.ts'
import { measured, shape, stages } from './published.ts'
import type { RouterSetting } from './setting.ts'
import type { QuestionKind } from './workload.ts'

/** For each policy and seed, the figures of each stage. */
type Results = Record<string, Figures[][]>

const top = stages.at(-1)!.rate
const at = (results: Results, name: string, rate: number) => {
  const stage = stages.slice(1).findIndex(one => one.rate === rate)
  return results[name]!.map(figures => figures[stage]!)
}

function run(names: readonly PolicyName[], { seeds }: RouterSetting, kind: QuestionKind): Results {
  const makers = policies(shape)
  return Object.fromEntries(names.map(name => [name, seeds.map(seed => climb(makers[name], shape, { seed, stages, kind }))]))
}

/** Ours beside another's, seed by seed. */
export const pairs = (ours: Figures[], others: Figures[], figure: (one: Figures) => number): Pair[] =>
  ours.map((one, index) => ({ ours: figure(one), reference: figure(others[index]!) }))

/** The best of all that others reached with the same questions, in each respect by itself. */
export const bestOf = (all: Figures[][]): Figures[] =>
  all[0]!.map((_, seed) => ({
    tokens: Math.max(...all.map(figures => figures[seed]!.tokens)),
    p50: Math.min(...all.map(figures => figures[seed]!.p50)),
    p90: Math.min(...all.map(figures => figures[seed]!.p90)),
    cached: Math.max(...all.map(figures => figures[seed]!.cached)),
  }))

const tokens = ({ tokens }: Figures) => tokens
const p90 = ({ p90 }: Figures) => p90
const twice: Goal = { of: 'ratio', sense: 'at least', value: 1.8 }
const tenth: Goal = { of: 'ratio', sense: 'at most', value: 0.1 }
const withinFive = { tokens: { of: 'ratio', sense: 'at least', value: 0.95 }, p90: { of: 'ratio', sense: 'at most', value: 1.05 } } as const

/** llm-d's published benchmark: 750 prompts again and again. */
export async function published(setting: RouterSetting): Promise<Row[]> {
  const names = Object.keys(policies(shape)) as PolicyName[]
  const results = run(names, setting, {})
  if (!setting.quick) await draw(results, names)
  const ours = at(results, 'fusion', top)
  const against = (name: PolicyName) => at(results, name, top)
  const best = bestOf(prefixRivals.map(against))
  const rates = stages.slice(1, -1).map(({ rate }) => rate)
  return [
    judge(`${top}/s, beside random: output`, 'tokens/s', pairs(ours, against('random'), tokens), twice),
    judge(`${top}/s, beside least loaded: p90 to first token`, 's', pairs(ours, against('least loaded'), p90), tenth),
    judge(`${top}/s, beside the best rival: output`, 'tokens/s', pairs(ours, best, tokens), withinFive.tokens),
    judge(`${top}/s, beside the best rival: p90 to first token`, 's', pairs(ours, best, p90), withinFive.p90),
    ...names.slice(2).map(name => judge(`${top}/s, beside ${name}: output`, 'tokens/s', pairs(ours, against(name), tokens), null)),
    ...names
      .filter(name => name !== 'fusion' && name !== 'least loaded')
      .map(name => judge(`${top}/s, beside ${name}: p90 to first token`, 's', pairs(ours, against(name), p90), null)),
    ...rates.flatMap(rate => {
      const bestThere = bestOf(prefixRivals.map(name => at(results, name, rate)))
      return [
        judge(
          `${rate}/s, beside the best rival: output`,
          'tokens/s',
          pairs(at(results, 'fusion', rate), bestThere, tokens),
          withinFive.tokens,
        ),
        judge(
          `${rate}/s, beside the best rival: p90 to first token`,
          's',
          pairs(at(results, 'fusion', rate), bestThere, p90),
          withinFive.p90,
        ),
      ]
    }),
    // The simulation itself beside what llm-d measured: `ours` is the simulated one here.
    ...[20, top].flatMap(rate => {
      const beside = (name: PolicyName, figure: (one: Figures) => number, reference: number) =>
        at(results, name, rate).map(one => ({ ours: figure(one), reference }))
      const { roundRobin, llmd } = measured[rate]!
      return [
        judge(
          `Simulated round robin beside the measured one, ${rate}/s: output`,
          'tokens/s',
          beside('round robin', tokens, roundRobin[0]),
          null,
        ),
        judge(
          `Simulated round robin beside the measured one, ${rate}/s: p90 to first token`,
          's',
          beside('round robin', p90, roundRobin[1]),
          null,
        ),
        judge(`Simulated llm-d beside the measured one, ${rate}/s: output`, 'tokens/s', beside('llm-d token load', tokens, llmd[0]), null),
        judge(
          `Simulated llm-d beside the measured one, ${rate}/s: p90 to first token`,
          's',
          beside('llm-d token load', p90, llmd[1]),
          null,
        ),
      ]
    }),
  ]
}

/** The same with a new question each time: 1,200 tokens that nobody has read, behind a prefix that somebody has. */
export const newQuestions = (setting: RouterSetting) => variant('New questions', setting, { fresh: true })

/** The same where few tenants ask most: the second half as often as the first, the third a third as often (Zipf). */
export const fewAskMost = (setting: RouterSetting) => variant('Few ask most', setting, { skewed: true })

async function variant(what: string, setting: RouterSetting, kind: QuestionKind): Promise<Row[]> {
  const rivals = prefixRivals.filter(name => !name.endsWith('old'))
  const results = run(['fusion', 'random', 'least loaded', ...rivals], setting, kind)
  return [20, top].flatMap(rate => {
    const ours = at(results, 'fusion', rate)
    const best = bestOf(rivals.map(name => at(results, name, rate)))
    const beside = `${what}, ${rate}/s, beside`
    return [
      judge(`${beside} random: output`, 'tokens/s', pairs(ours, at(results, 'random', rate), tokens), rate === top ? twice : null),
      judge(
        `${beside} least loaded: p90 to first token`,
        's',
        pairs(ours, at(results, 'least loaded', rate), p90),
        rate === top ? tenth : null,
      ),
      judge(`${beside} the best rival: output`, 'tokens/s', pairs(ours, best, tokens), withinFive.tokens),
      judge(`${beside} the best rival: p90 to first token`, 's', pairs(ours, best, p90), withinFive.p90),
    ]
  })
}

async function draw(results: Results, names: readonly PolicyName[]): Promise<void> {
  const lines = (figure: (one: Figures) => number) =>
    names.map(name => ({
      name,
      points: stages
        .slice(1)
        .map(({ rate }): [number, number] => [rate, median(at(results, name, rate).map(figure))])
        .toSorted(([a], [b]) => a - b),
    }))
  const folder = join(repository, 'docs/images')
  await writeFile(join(folder, 'router-tokens.svg'), plot({ title: 'Output tokens per second', lines: lines(tokens), logarithmic: false }))
  await writeFile(
    join(folder, 'router-first-token.svg'),
    plot({ title: 'Seconds to the first token, p90', lines: lines(p90), logarithmic: true }),
  )
}
