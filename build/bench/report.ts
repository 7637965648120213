// What a benchmark says in the end: rows, each judged against its goal, as a table for people and as JSON for programs.
import type { Machine } from './machine.ts'
import { median, quantile } from './statistics.ts'

/** What is judged: the ratio ours / reference, our own figure, or ours − reference. */
export interface Goal {
  of: 'ratio' | 'ours' | 'difference'
  sense: 'at least' | 'at most'
  value: number
}

export type Verdict = boolean | 'inconclusive'

export interface Row {
  what: string
  /** Medians over the rounds; null where it could not be measured. */
  ours: number | null
  reference: number | null
  unit: string
  /** The median over the rounds of ours / reference. */
  ratio: number | null
  /** The middle half of the rounds, of that figure which the goal judges (the ratio, or ours where there is no goal and no reference). */
  spread: [number, number] | null
  goal: string | null
  /** null: there is no goal, it is only reported. */
  holds: Verdict | null
}

export interface Report {
  name: string
  machine: Machine
  rows: Row[]
}

/** One round's pair of figures, taken side by side; `reference` null where there is no rival. */
export interface Pair {
  ours: number
  reference: number | null
}

function goalInWords({ of, sense, value }: Goal, unit: string): string {
  const sign = sense === 'at least' ? '≥' : '≤'
  return {
    ratio: `ratio ${sign} ${value}`,
    ours: `${sign} ${figure(value)} ${unit}`,
    difference: `${sign} reference + ${figure(value)} ${unit}`,
  }[of]
}

const orNull = (value: number) => (Number.isNaN(value) ? null : value)

/** Judges rounds against a goal: it holds or not where the whole spread lies on one side of it, and is inconclusive where the goal lies within. */
export function judge(what: string, unit: string, rounds: Pair[], goal: Goal | null): Row {
  const ours = rounds.map(round => round.ours)
  const paired = rounds.flatMap(({ ours, reference }) => (reference === null ? [] : [{ ours, reference }]))
  const ratios = paired.map(({ ours, reference }) => ours / reference)
  const judged = {
    ratio: ratios,
    ours,
    difference: paired.map(({ ours, reference }) => ours - reference),
  }[goal?.of ?? (paired.length > 0 ? 'ratio' : 'ours')]
  const spread: [number, number] | null = judged.length > 0 ? [quantile(judged, 0.25), quantile(judged, 0.75)] : null
  let holds: Row['holds'] = null
  if (goal) {
    const good = (value: number) => (goal.sense === 'at least' ? value >= goal.value : value <= goal.value)
    holds = spread && good(spread[0]) === good(spread[1]) ? good(spread[0]) : 'inconclusive'
  }
  return {
    what,
    ours: orNull(median(ours)),
    reference: orNull(median(paired.map(({ reference }) => reference))),
    unit,
    ratio: orNull(median(ratios)),
    spread,
    goal: goal && goalInWords(goal, unit),
    holds,
  }
}

/** A row for what could not be measured. */
export function unmeasured(what: string): Row {
  return { what, ours: null, reference: null, unit: '', ratio: null, spread: null, goal: null, holds: 'inconclusive' }
}

function figure(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : Math.abs(value) >= 1 ? 2 : 3
  return value.toLocaleString('en-US', { maximumFractionDigits: digits })
}

const withUnit = (value: number | null, unit: string) => (value === null ? '–' : `${figure(value)} ${unit}`)

function verdict(holds: Row['holds']): string {
  if (holds === null) return ''
  if (holds === 'inconclusive') return holds
  return holds ? 'yes' : '**no**'
}

/** The report as a Markdown table, so that it can stand in the docs as it is. */
export function asTable({ name, machine, rows }: Report): string {
  const lines = rows.map(row =>
    [
      row.what,
      withUnit(row.ours, row.unit),
      withUnit(row.reference, row.unit),
      row.ratio === null ? '' : figure(row.ratio),
      row.spread === null ? '' : row.spread.map(figure).join(' … '),
      row.goal ?? '',
      verdict(row.holds),
    ].join(' | '),
  )
  return [
    `### ${name}`,
    '',
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB, ${machine.system}, Node ${machine.node}. ${machine.at}, load before: ${machine.loadBefore}, measurements disturbed by other programs: ${machine.disturbed}.`,
    '',
    '| what | ours | reference | ratio | spread | goal | holds |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...lines.map(line => `| ${line} |`),
    '',
  ].join('\n')
}
