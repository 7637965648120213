/** One call of a tool, written as JSON: `{"name": "f", "arguments": {…}}`, or as a name with its arguments after it. */
export interface CallReader {
  push(
    text: string,
    final: boolean,
  ): {
    pieces: { name?: string; arguments?: string }[]
    done: boolean
    /** What follows the call. */
    rest: string
    /** It was no call: all that it read. */
    refused?: string
  }
  readonly held: number
}

const argumentNames = new Set(['arguments', 'parameters'])
/** A name that is longer is none. */
const MOST_NAME_UNITS = 200

/**
 * Reads as it comes, and tells arguments as they come once the name is known. Arguments are text: what is no JSON is told as it stands. `close`
 * ends the call wherever it comes; `named`: the name stands before the arguments and not in them; `known`: any other name means no call.
 */
export function createCallReader({
  close,
  named = false,
  known,
}: {
  close: string | undefined
  named?: boolean
  known?: ReadonlySet<string>
}): CallReader {
  let all = ''
  let at = 0
  let opened = false
  let name: string | undefined
  let told = false
  /** Where the arguments begin, and how much of them was told. */
  let from: number | undefined
  let toldTo = 0
  /** Depth of brackets inside the arguments, and whether a string is open there. */
  let depth = 0
  let quoted = false
  let escaped = false
  let argumentsEnd: number | undefined

  const isBlank = (character: string | undefined) => character !== undefined && /\s/.test(character)
  function skipBlanks(): void {
    while (isBlank(all[at])) at++
  }

  /** A JSON string from `at` on, with its end; undefined while it is not whole. */
  function string(): { value: string; end: number } | undefined {
    let end = at + 1
    while (end < all.length && all[end] !== '"') end += all[end] === '\\' ? 2 : 1
    if (end >= all.length) return undefined
    try {
      return { value: JSON.parse(all.slice(at, end + 1)) as string, end: end + 1 }
    } catch {
      // Not quite JSON: as it stands.
      return { value: all.slice(at + 1, end), end: end + 1 }
    }
  }

  type Step = 'more' | 'wait' | 'done' | 'refuse'

  function step(): Step {
    if (argumentsEnd === undefined && from !== undefined) return readArguments()
    if (named && argumentsEnd !== undefined) return 'done'
    skipBlanks()
    const next = all[at]
    if (next === undefined) return 'wait'
    if (named) return name === undefined ? readName() : begin()
    if (close && next === close[0])
      return all.startsWith(close, at) ? (name === undefined ? 'refuse' : 'done') : closeBegins() > 0 ? 'wait' : 'refuse'
    if (next === '{' && !opened) {
      opened = true
      at++
      return 'more'
    }
    if (!opened) return 'refuse'
    if (next === '}') {
      at++
      return name === undefined ? 'refuse' : 'done'
    }
    if (next === ',') {
      at++
      return 'more'
    }
    if (next !== '"') return 'refuse'
    return readPair()
  }

  function readName(): Step {
    const end = /\[ARGS\]|\[CALL_ID\]|\{/.exec(all.slice(at))
    if (!end) return all.length - at > MOST_NAME_UNITS ? 'refuse' : 'wait'
    const found = all.slice(at, at + end.index).trim()
    if (!/^[\w.-]{1,200}$/.test(found)) return 'refuse'
    if (end[0] === '[CALL_ID]') {
      const args = all.indexOf('[ARGS]', at)
      if (args < 0) return 'wait'
      at = args + 6
    } else at += end.index + (end[0] === '{' ? 0 : end[0].length)
    name = found
    return 'more'
  }

  function begin(): Step {
    from = at
    toldTo = at
    return 'more'
  }

  function readPair(): Step {
    const before = at
    const key = string()
    if (!key) return 'wait'
    at = key.end
    skipBlanks()
    if (all[at] === undefined) return back(before)
    if (all[at] !== ':') return 'refuse'
    at++
    skipBlanks()
    if (all[at] === undefined) return back(before)
    if (argumentNames.has(key.value)) return begin()
    if (all[at] !== '"') {
      // Another value, such as a number: up to what follows it.
      const end = /[,}]/.exec(all.slice(at))
      if (!end) return back(before)
      at += end.index
      return 'more'
    }
    const value = string()
    if (!value) return back(before)
    at = value.end
    if (key.value === 'name') {
      if (known && !known.has(value.value)) return 'refuse'
      name = value.value
    }
    return 'more'
  }

  function back(to: number): Step {
    at = to
    return 'wait'
  }

  /** Up to the end of a value: brackets closed outside of strings. What is no JSON ends with the object around it. */
  function readArguments(): Step {
    for (; at < all.length; at++) {
      const character = all[at]!
      if (close && !quoted && character === close[0] && close.startsWith(all.slice(at, at + close.length))) {
        return all.startsWith(close, at) ? endArguments(at) : 'wait'
      }
      if (quoted) {
        if (escaped) escaped = false
        else if (character === '\\') escaped = true
        else if (character === '"') {
          quoted = false
          if (depth === 0) return endArguments(at + 1)
        }
      } else if (character === '"') quoted = true
      else if (character === '{' || character === '[') depth++
      else if (character === '}' || character === ']') {
        if (depth === 0) return endArguments(at)
        if (--depth === 0) return endArguments(at + 1)
      } else if (character === ',' && depth === 0 && !named) return endArguments(at)
    }
    return 'wait'
  }

  function endArguments(end: number): Step {
    argumentsEnd = end
    at = end
    return 'more'
  }

  function tell(pieces: { name?: string; arguments?: string }[]): void {
    if (name === undefined) return
    if (!told) {
      told = true
      pieces.push({ name })
    }
    if (from === undefined) return
    const until = argumentsEnd ?? all.length
    // Arguments in a string are told when it is whole, as what it says.
    if (all[from] === '"') {
      if (argumentsEnd === undefined || toldTo > from) return
      toldTo = until
      const written = all.slice(from, until)
      pieces.push({ arguments: unquoted(written) })
      return
    }
    if (until <= toldTo) return
    const keep = argumentsEnd === undefined && close ? closeBegins() : 0
    const text = all.slice(toldTo, until - keep)
    toldTo = Math.max(toldTo, until - keep)
    if (text !== '') pieces.push({ arguments: text })
  }

  /** How much of the end may be the beginning of the mark that closes. */
  function closeBegins(): number {
    for (let length = Math.min(all.length, close!.length - 1); length > 0; length--)
      if (close!.startsWith(all.slice(-length))) return length
    return 0
  }

  return {
    push(text, final) {
      all += text
      const pieces: { name?: string; arguments?: string }[] = []
      let result: Step = 'more'
      while (result === 'more') result = step()
      const ended = result !== 'wait' || final
      // A model that never closed its string has closed its call.
      const closed = final && result === 'wait' && close && from !== undefined ? all.indexOf(close, from) : -1
      if (closed >= 0) endArguments(closed)
      if (ended && name === undefined) return { pieces, done: true, rest: '', refused: all }
      if (ended) argumentsEnd ??= from === undefined ? undefined : all.length
      tell(pieces)
      if (ended && from === undefined) pieces.push({ arguments: '{}' })
      return ended ? { pieces, done: true, rest: result === 'wait' && closed < 0 ? '' : all.slice(at) } : { pieces, done: false, rest: '' }
    },
    get held() {
      return name === undefined ? all.length : from === undefined ? 0 : Math.max(0, all.length - toldTo)
    },
  }
}

function unquoted(written: string): string {
  try {
    return JSON.parse(written) as string
  } catch {
    return written
  }
}
