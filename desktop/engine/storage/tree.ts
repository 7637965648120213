import type { PathEntry } from '@fusion/shared/contract/engine.ts'

/** What the shape of a conversation needs of a message. Given in the order of making, oldest first. */
export interface TreeNode {
  id: string
  parent: string | null
  role: PathEntry['role']
}

/**
 * The path from the root to `headId`. A message whose parent is not there stands as a root, and beside the other roots.
 * A loop of parents, which only damage can make, ends the path where it closes.
 */
export function pathTo(nodes: readonly TreeNode[], headId: string): PathEntry[] {
  const byId = new Map(nodes.map(node => [node.id, node]))
  const parentOf = (node: TreeNode) => (node.parent !== null && byId.has(node.parent) ? node.parent : null)
  const siblings = new Map<string | null, string[]>()
  for (const node of nodes) {
    const parent = parentOf(node)
    const beside = siblings.get(parent)
    if (beside) beside.push(node.id)
    else siblings.set(parent, [node.id])
  }
  const path: PathEntry[] = []
  const seen = new Set<string>()
  let node = byId.get(headId)
  while (node && !seen.has(node.id)) {
    seen.add(node.id)
    const parent: string | null = parentOf(node)
    const beside = siblings.get(parent)!
    path.push(beside.length > 1 ? { id: node.id, role: node.role, siblings: beside } : { id: node.id, role: node.role })
    node = parent === null ? undefined : byId.get(parent)
  }
  return path.toReversed()
}

/** The newest message under this one that nothing answers: itself where it has no children. Newest by the order of `nodes`. */
export function newestLeafUnder(nodes: readonly TreeNode[], id: string): string | undefined {
  const parents = new Set(nodes.map(node => node.parent))
  const under = new Set([id])
  let leaf: string | undefined
  for (const node of nodes) if (node.id === id) leaf = id
  if (leaf === undefined) return undefined
  // A child can stand before its parent (it came from a device whose clock is behind), so go round until nothing is added.
  for (let before = 0; before !== under.size;) {
    before = under.size
    for (const node of nodes) if (node.parent !== null && under.has(node.parent)) under.add(node.id)
  }
  for (const node of nodes) if (under.has(node.id) && !parents.has(node.id)) leaf = node.id
  return leaf
}
