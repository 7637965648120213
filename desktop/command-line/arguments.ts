import { parseArgs } from 'node:util'
import { nearest } from './nearest.ts'

/** The command was written wrongly: one sentence says how. Exit code 2. */
export class WrongUse extends Error {}

export interface Option {
  /** How its value is called in the help; absent: it takes none. */
  value?: string
  short?: string
  about: string
}
export type Options = Record<string, Option>

/** What was written after the command. */
export interface Given {
  words: string[]
  text(option: string): string | undefined
  flag(option: string): boolean
  /** Throws `WrongUse` for what is no number in this range. */
  number(option: string, range: { from: number; to: number; whole?: boolean }): number | undefined
}

/** Splits what was written into options and words. Throws `WrongUse`. */
export function readArguments(args: string[], options: Options): Given {
  const known = Object.fromEntries(
    Object.entries(options).map(([name, { value, short }]) => [
      name,
      { type: value ? ('string' as const) : ('boolean' as const), ...(short && { short }) },
    ]),
  )
  const { tokens, positionals } = parseArgs({ args, options: known, allowPositionals: true, strict: false, tokens: true })
  const values = new Map<string, string | true>()
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const option = Object.hasOwn(options, token.name) ? options[token.name] : undefined
    if (!option) throw unknownOption(token.rawName, options)
    if (!option.value && token.value !== undefined) throw new WrongUse(`${token.rawName} takes no value.`)
    if (option.value && isNoValue(token)) {
      throw new WrongUse(`${token.rawName} wants a value: ${token.rawName} ${option.value}.`)
    }
    values.set(token.name, token.value ?? true)
  }
  const text = (name: string) => {
    const value = values.get(name)
    return typeof value === 'string' ? value : undefined
  }
  return {
    words: positionals,
    text,
    flag: name => values.has(name),
    number(name, { from, to, whole = false }) {
      const written = text(name)
      if (written === undefined) return undefined
      const number = /^-?\d+(\.\d+)?$/.test(written.trim()) ? Number(written) : Number.NaN
      if (number >= from && number <= to && (!whole || Number.isInteger(number))) return number
      const form = whole ? 'a whole number' : 'a number'
      throw new WrongUse(`--${name} must be ${form} from ${from} to ${to}; it is ${JSON.stringify(written)}.`)
    },
  }
}

/** `--system --json` forgot the text; a value that begins with a dash is written `--system=-x`, and a number may begin with one. */
function isNoValue({ value, inlineValue }: { value?: string | undefined; inlineValue?: boolean | undefined }): boolean {
  return value === undefined || (!inlineValue && /^-(?!\d)./.test(value))
}

function unknownOption(written: string, options: Options): WrongUse {
  const meant = nearest(written.replace(/^-+/, ''), Object.keys(options))
  return new WrongUse(`There is no option ${written} here.${meant ? ` Did you mean --${meant}?` : ''}`)
}
