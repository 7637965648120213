import { anyInteger, digit, wholeNumber } from './json.ts'
import { byte, choice, empty, nothing, optional, repeat, type Rule, sequence, text } from './rule.ts'

export interface Bounds {
  min?: number | undefined
  max?: number | undefined
  /** Whether the bound itself is out. */
  above?: boolean
  below?: boolean
}

const digitsFrom = (from: number, to: number): Rule => (from > to ? nothing : byte(0x30 + from, 0x30 + to))
const digits = (count: number) => repeat(digit, count, count)

/** Numbers of the same count of digits, from `low` to `high`. */
function sameLength(low: string, high: string): Rule {
  // Where nothing is limited any more, or each digit would be told apart from the next for ever.
  if (/^0*$/.test(low) && /^9*$/.test(high)) return digits(low.length)
  const [first, last] = [Number(low[0]), Number(high[0])]
  const [lowRest, highRest] = [low.slice(1), high.slice(1)]
  const rest = low.length - 1
  if (first === last) return sequence(text(low[0]!), sameLength(lowRest, highRest))
  return choice(
    sequence(text(low[0]!), sameLength(lowRest, '9'.repeat(rest))),
    sequence(digitsFrom(first + 1, last - 1), digits(rest)),
    sequence(text(high[0]!), sameLength('0'.repeat(rest), highRest)),
  )
}

/** Whole numbers from `low` on, 0 at least. Without an end they have as many digits as any number may have, or one more than `low`. */
function naturals(low: bigint, high: bigint | undefined): Rule {
  if (high === undefined) {
    if (low === 0n) return wholeNumber
    const most = Math.max(16, `${low}`.length + 1)
    return naturals(low, 10n ** BigInt(most) - 1n)
  }
  if (low > high) return nothing
  const options: Rule[] = []
  for (let from = low; from <= high;) {
    const end = 10n ** BigInt(`${from}`.length) - 1n
    const until = end < high ? end : high
    options.push(sameLength(`${from}`, `${until}`))
    from = until + 1n
  }
  return choice(...options)
}

const bigOf = (value: number) => BigInt(value)

/** Whole numbers within bounds. */
export function integer({ min, max, above, below }: Bounds): Rule {
  if (min === undefined && max === undefined) return anyInteger
  const low =
    min === undefined ? undefined : bigOf(Number.isInteger(min) ? min : Math.ceil(min)) + (above && Number.isInteger(min) ? 1n : 0n)
  const high =
    max === undefined ? undefined : bigOf(Number.isInteger(max) ? max : Math.floor(max)) - (below && Number.isInteger(max) ? 1n : 0n)
  const positive = high !== undefined && high < 0n ? nothing : naturals(low !== undefined && low > 0n ? low : 0n, high)
  if (low !== undefined && low >= 0n) return positive
  const negative = sequence(text('-'), naturals(high !== undefined && high < 0n ? -high : 1n, low === undefined ? undefined : -low))
  return choice(positive, negative)
}

/** A number of 0 or more as its whole part and its decimals, without zeros at the end. */
function decimal(value: number): { whole: bigint; fraction: string } {
  const [mantissa = '', exponent = '0'] = `${value}`.split('e')
  const [whole = '', fraction = ''] = mantissa.split('.')
  const shift = Number(exponent)
  const all =
    shift >= 0
      ? [whole + fraction.padEnd(shift, '0').slice(0, shift), fraction.slice(shift)]
      : ['0', '0'.repeat(-shift - 1) + whole + fraction]
  return { whole: BigInt(all[0]!), fraction: all[1]!.replace(/0+$/, '') }
}

const MOST_DECIMALS = 16
const someDigits = repeat(digit, 0, MOST_DECIMALS)
const anyFraction = optional(sequence(text('.'), repeat(digit, 1, MOST_DECIMALS)))

/** Decimals that are at least `low` and at most `high` ('': 0; undefined: no limit), the point before them included. */
function fraction(low: string, high: string | undefined, above: boolean, below: boolean): Rule {
  const first = afterPoint(low, high, above, below)
  const pointless = low === '' && !above && !(high === '' && below)
  return choice(...(pointless ? [empty] : []), ...(first ? [sequence(text('.'), first)] : []))
}

/** At least one more decimal. */
function afterPoint(low: string | undefined, high: string | undefined, above: boolean, below: boolean): Rule | undefined {
  const from = low === undefined ? 0 : Number(low[0] ?? 0)
  const to = high === undefined ? 9 : Number(high[0] ?? 0)
  // At the bound itself, which is written without further zeros.
  if (high === '') return undefined
  const options: Rule[] = []
  for (let digit = from; digit <= to; digit++) {
    const lowRest = low !== undefined && digit === from ? low.slice(1) : undefined
    const highRest = high !== undefined && digit === to ? high.slice(1) : undefined
    const rest = afterDigit(lowRest, highRest, above, below)
    if (rest) options.push(sequence(text(`${digit}`), rest))
  }
  return options.length > 0 ? choice(...options) : undefined
}

function afterDigit(low: string | undefined, high: string | undefined, above: boolean, below: boolean): Rule | undefined {
  if (low === undefined && high === undefined) return someDigits
  const mayEnd = (low === undefined || (low === '' && !above)) && (high === undefined || high !== '' || !below)
  // One bound is met digit by digit, and all that follows keeps it.
  if (low === '' && !above && high === undefined) return someDigits
  if (low === '' && above && high === undefined) return sequence(repeat(text('0'), 0, MOST_DECIMALS), digitsFrom(1, 9), someDigits)
  const more = high === '' ? undefined : afterPoint(low, high, above, below)
  if (!more) return mayEnd ? empty : undefined
  return mayEnd ? optional(more) : more
}

/** Numbers of 0 or more within bounds. */
function fromZero(low: number, high: number | undefined, above: boolean, below: boolean): Rule {
  const from = decimal(low)
  const to = high === undefined ? undefined : decimal(high)
  if (to && (to.whole < from.whole || (to.whole === from.whole && to.fraction < from.fraction))) return nothing
  if (to?.whole === from.whole) return sequence(text(`${from.whole}`), fraction(from.fraction, to.fraction, above, below))
  return choice(
    sequence(text(`${from.whole}`), fraction(from.fraction, undefined, above, false)),
    sequence(naturals(from.whole + 1n, to && to.whole - 1n), anyFraction),
    ...(to ? [sequence(text(`${to.whole}`), fraction('', to.fraction, false, below))] : []),
  )
}

/** Numbers within bounds, without exponents. */
export function boundedNumber({ min, max, above = false, below = false }: Bounds): Rule {
  const positive =
    max !== undefined && max < 0 ? nothing : fromZero(Math.max(0, min ?? 0), max, min !== undefined && min >= 0 && above, below)
  if (min !== undefined && min >= 0) return positive
  const upTo = max !== undefined && max < 0 ? -max : 0
  // No "-0": it is written without its sign.
  const negative = sequence(text('-'), fromZero(upTo, min === undefined ? undefined : -min, upTo === 0 || below, above))
  return choice(positive, negative)
}
