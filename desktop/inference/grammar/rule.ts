/**
 * What a text may be: a grammar over bytes, since a token can be any stretch of bytes. Rules are shared and may refer to one another in circles
 * (`later`); nothing is unrolled, so that a list of at most a million items is as small as one of two.
 */
export type Rule =
  | { kind: 'text'; bytes: Uint8Array }
  /** One byte out of a set: 256 flags. */
  | { kind: 'byte'; set: Uint8Array }
  /** One token, whatever its text: a control token of the model. */
  | { kind: 'token'; id: number }
  | { kind: 'sequence'; items: readonly Rule[] }
  /** Without options it is what cannot be written. */
  | { kind: 'choice'; options: readonly Rule[] }
  | { kind: 'repeat'; item: Rule; min: number; max: number }
  | { kind: 'later'; rule: Rule | undefined }

const encoder = new TextEncoder()

export const empty: Rule = { kind: 'sequence', items: [] }
/** What cannot be written. */
export const nothing: Rule = { kind: 'choice', options: [] }

export const text = (value: string): Rule => ({ kind: 'text', bytes: encoder.encode(value) })
export const sequence = (...items: readonly Rule[]): Rule => (items.length === 1 ? items[0]! : { kind: 'sequence', items })
export const repeat = (item: Rule, min = 0, max = Infinity): Rule => ({ kind: 'repeat', item, min, max })
export const optional = (item: Rule): Rule => repeat(item, 0, 1)

export function choice(...options: readonly Rule[]): Rule {
  const different = [...new Set(options)]
  return different.length === 1 ? different[0]! : { kind: 'choice', options: different }
}

export function byte(from: number, to = from): Rule {
  return { kind: 'byte', set: new Uint8Array(256).fill(1, from, to + 1) }
}

/** One of these texts. As a tree of their beginnings, so that thousands of them are told apart byte by byte. */
export function oneOf(values: readonly string[]): Rule {
  const all = [...new Set(values)].map(value => encoder.encode(value)).toSorted((a, b) => Buffer.compare(a, b))
  return tree(all, 0)
}

/** Of texts that are alike up to `at`. Goes as deep as they branch, not as they are long. */
function tree(sorted: readonly Uint8Array[], at: number): Rule {
  if (sorted.length === 1) return { kind: 'text', bytes: sorted[0]!.subarray(at) }
  const first = sorted[0]!
  const last = sorted.at(-1)!
  let same = at
  while (same < first.length && first[same] === last[same]) same++
  const options: Rule[] = []
  // Sorted, so what ends here comes first.
  let from = first.length === same ? 1 : 0
  if (from === 1) options.push(empty)
  while (from < sorted.length) {
    const next = sorted[from]![same]
    let until = from + 1
    while (until < sorted.length && sorted[until]![same] === next) until++
    options.push(tree(sorted.slice(from, until), same))
    from = until
  }
  return sequence({ kind: 'text', bytes: first.subarray(at, same) }, choice(...options))
}

/** Which of all rules under `root` can be written to an end: a list whose items need themselves can't. */
export function writable(root: Rule): ReadonlySet<Rule> {
  const parents = new Map<Rule, Rule[]>()
  const all: Rule[] = [root]
  parents.set(root, [])
  for (const rule of all) {
    for (const child of childrenOf(rule)) {
      const known = parents.get(child)
      if (known) known.push(rule)
      else {
        parents.set(child, [rule])
        all.push(child)
      }
    }
  }
  const found = new Set<Rule>()
  let fresh = all
  while (fresh.length > 0) {
    const now = fresh.filter(rule => !found.has(rule) && ends(rule, found))
    for (const rule of now) found.add(rule)
    fresh = [...new Set(now.flatMap(rule => parents.get(rule)!))]
  }
  return found
}

function childrenOf(rule: Rule): readonly Rule[] {
  switch (rule.kind) {
    case 'sequence':
      return rule.items
    case 'choice':
      return rule.options
    case 'repeat':
      return [rule.item]
    case 'later':
      return rule.rule ? [rule.rule] : []
    case 'text':
    case 'byte':
    case 'token':
      return []
  }
}

function ends(rule: Rule, known: ReadonlySet<Rule>): boolean {
  switch (rule.kind) {
    case 'text':
    case 'byte':
    case 'token':
      return true
    case 'sequence':
      return rule.items.every(item => known.has(item))
    case 'choice':
      return rule.options.some(option => known.has(option))
    case 'repeat':
      return rule.max >= rule.min && (rule.min === 0 || known.has(rule.item))
    case 'later':
      return rule.rule !== undefined && known.has(rule.rule)
  }
}
