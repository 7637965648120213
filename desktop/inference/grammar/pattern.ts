import { allBut, type Characters, everyCharacter, joined, overlap } from './characters.ts'
import { stringCharacter } from './json.ts'
import { choice, empty, repeat, type Rule, sequence } from './rule.ts'

/** Refused are the parts of regular expressions that a grammar has no words for. */
export class PatternUnusable extends Error {
  override name = 'PatternUnusable'
}

const MOST_UNITS = 2_000
const MOST_DEPTH = 50
const MOST_TIMES = 10_000

const one = (character: string): Characters => [[character.codePointAt(0)!, character.codePointAt(0)!]]
const span = (from: string, to: string): Characters => [[from.codePointAt(0)!, to.codePointAt(0)!]]

const digits = span('0', '9')
const word = joined([...span('a', 'z'), ...span('A', 'Z'), ...digits, ...one('_')])
const white = joined([' ', '\t', '\n', '\r', '\v', '\f', '\u00A0', '\uFEFF', '\u2028', '\u2029'].flatMap(one))
const classes: Record<string, Characters> = { d: digits, w: word, s: white, D: allBut(digits), W: allBut(word), S: allBut(white) }
const controls: Record<string, string> = { n: '\n', t: '\t', r: '\r', f: '\f', v: '\v', 0: '\0' }
const lineEnds = ['\n', '\r', '\u2028', '\u2029'].flatMap(one)
const anything = repeat(stringCharacter(everyCharacter))

/** The content of JSON strings in which a regular expression is found. */
export function pattern(source: string): Rule {
  if (source.length > MOST_UNITS) throw new PatternUnusable('it is too long')
  const characters = Array.from(source)
  let at = 0
  let depth = 0

  const peek = (text: string) => characters.slice(at, at + text.length).join('') === text
  function take(text: string): boolean {
    if (!peek(text)) return false
    at += text.length
    return true
  }

  function alternatives(): Rule {
    if (++depth > MOST_DEPTH) throw new PatternUnusable('its brackets are too deep')
    const options = [terms()]
    while (take('|')) options.push(terms())
    depth--
    return choice(...options)
  }

  /** Ends of the whole text stand at the ends of an alternative only: elsewhere they could never be met. */
  function terms(): Rule {
    const outermost = depth === 1
    const items: Rule[] = []
    if (outermost && !take('^')) items.push(anything)
    let closed = false
    while (at < characters.length && !peek('|') && !peek(')')) {
      if (closed) throw new PatternUnusable('$ stands in its midst')
      if (outermost && take('$')) closed = true
      else items.push(times(atom()))
    }
    if (outermost && !closed) items.push(anything)
    return sequence(...items)
  }

  function times(item: Rule): Rule {
    let result = item
    if (take('*')) result = repeat(item)
    else if (take('+')) result = repeat(item, 1)
    else if (take('?')) result = repeat(item, 0, 1)
    else {
      const counted = /^\{(\d{1,6})(?:(,)(\d{1,6})?)?\}/.exec(characters.slice(at, at + 20).join(''))
      if (!counted) return item
      at += counted[0].length
      const min = Number(counted[1])
      const max = counted[2] === undefined ? min : counted[3] === undefined ? Infinity : Number(counted[3])
      if (max < min) throw new PatternUnusable(`${counted[0]} counts backwards`)
      if (min > MOST_TIMES || (max !== Infinity && max > MOST_TIMES)) throw new PatternUnusable(`${counted[0]} is too many`)
      result = repeat(item, min, max)
    }
    // A lazy one fits the same texts.
    take('?')
    return result
  }

  function atom(): Rule {
    if (take('(')) {
      if (take('?')) {
        const named = /^<[A-Za-z_]\w*>/.exec(characters.slice(at, at + 50).join(''))
        if (named) at += named[0].length
        else if (!take(':')) throw new PatternUnusable('it looks ahead or behind')
      }
      const inner = alternatives()
      if (!take(')')) throw new PatternUnusable('a bracket is not closed')
      return inner
    }
    if (take('[')) return stringCharacter(set())
    if (take('.')) return stringCharacter(allBut(lineEnds))
    if (take('\\')) return stringCharacter(escaped())
    const next = characters[at++]!
    if ('^$*+?{}'.includes(next)) throw new PatternUnusable(`${next} stands where it means nothing`)
    return stringCharacter(one(next))
  }

  function escaped(): Characters {
    const next = characters[at++]
    if (next === undefined) throw new PatternUnusable('it ends with \\')
    if (Object.hasOwn(classes, next)) return classes[next]!
    if (Object.hasOwn(controls, next)) return one(controls[next]!)
    if (next === 'x' || next === 'u') {
      const count = next === 'x' ? 2 : 4
      const code = characters.slice(at, at + count).join('')
      if (code.length !== count || !/^[0-9a-f]+$/i.test(code)) throw new PatternUnusable(`\\${next} is not whole`)
      at += count
      return joined([[parseInt(code, 16), parseInt(code, 16)]])
    }
    if (/[A-Za-z0-9]/.test(next)) throw new PatternUnusable(`Fusion does not know \\${next}`)
    return one(next)
  }

  function set(): Characters {
    const negated = take('^')
    const ranges: (readonly [number, number])[] = []
    while (!take(']')) {
      const from = member()
      if (peek('-') && characters[at + 1] !== ']' && from.length === 1 && from[0]![0] === from[0]![1]) {
        at++
        const to = member()
        if (to.length !== 1 || to[0]![1] < from[0]![0]) throw new PatternUnusable('a range runs backwards')
        ranges.push([from[0]![0], to[0]![1]])
      } else ranges.push(...from)
    }
    const all = joined(ranges)
    return negated ? allBut(all) : overlap(all, everyCharacter)
  }

  function member(): Characters {
    if (at >= characters.length) throw new PatternUnusable('a bracket is not closed')
    return take('\\') ? (take('b') ? one('\b') : escaped()) : one(characters[at++]!)
  }

  const result = alternatives()
  if (at < characters.length) throw new PatternUnusable('a bracket closes that was not opened')
  return characters.length === 0 ? anything : sequence(result, empty)
}
