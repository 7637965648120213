import fc from 'fast-check'
import { expect, test } from 'vitest'
import { newestLeafUnder, pathTo, type TreeNode } from './tree.ts'

/** Trees of any shape, in the order of making; some parents are not there. */
const trees = fc
  .array(fc.record({ parent: fc.integer({ min: -2, max: 60 }), role: fc.constantFrom('user' as const, 'assistant' as const) }), {
    minLength: 1,
  })
  .map(nodes =>
    nodes.map(({ parent, role }, index): TreeNode => {
      // −1: a root; −2: a parent that is not there; otherwise one that was made before.
      const parentId = index === 0 || parent === -1 ? null : parent === -2 ? 'elsewhere' : `m${parent % index}`
      return { id: `m${index}`, parent: parentId, role }
    }),
  )
const treesAndOne = trees.chain(nodes => fc.record({ nodes: fc.constant(nodes), at: fc.integer({ min: 0, max: nodes.length - 1 }) }))

const parentIn = (nodes: TreeNode[], node: TreeNode) => nodes.find(other => other.id === node.parent)

test('a path begins at a root, goes from parent to child, and ends at its head', () => {
  fc.assert(
    fc.property(treesAndOne, ({ nodes, at }) => {
      const path = pathTo(nodes, `m${at}`).map(entry => nodes.find(node => node.id === entry.id)!)
      expect(parentIn(nodes, path[0]!)).toBeUndefined()
      expect(path.at(-1)!.id).toBe(`m${at}`)
      path.slice(1).forEach((node, index) => expect(node.parent).toBe(path[index]!.id))
    }),
  )
})

test('siblings are all with the same parent, in the order of making, and only told where there are several', () => {
  fc.assert(
    fc.property(treesAndOne, ({ nodes, at }) => {
      for (const entry of pathTo(nodes, `m${at}`)) {
        const node = nodes.find(({ id }) => id === entry.id)!
        const beside = nodes.filter(other => parentIn(nodes, other)?.id === parentIn(nodes, node)?.id).map(({ id }) => id)
        expect(entry.siblings).toEqual(beside.length > 1 ? beside : undefined)
      }
    }),
  )
})

test('the newest leaf lies under the message, has no children, and none made later does so too', () => {
  fc.assert(
    fc.property(treesAndOne, ({ nodes, at }) => {
      const isUnder = (node: TreeNode | undefined): boolean =>
        node !== undefined && (node.id === `m${at}` || isUnder(parentIn(nodes, node)))
      const leaves = nodes.filter(node => isUnder(node) && !nodes.some(other => other.parent === node.id))
      expect(newestLeafUnder(nodes, `m${at}`)).toBe(leaves.at(-1)!.id)
    }),
  )
})

test('parents in a circle, which only damage makes, end a path instead of going on for ever', () => {
  const circle: TreeNode[] = [
    { id: 'a', parent: 'b', role: 'user' },
    { id: 'b', parent: 'a', role: 'assistant' },
  ]
  expect(pathTo(circle, 'a').map(entry => entry.id)).toEqual(['b', 'a'])
  expect(newestLeafUnder(circle, 'a')).toBe('a')
  expect(pathTo(circle, 'unknown')).toEqual([])
  expect(newestLeafUnder(circle, 'unknown')).toBeUndefined()
})
