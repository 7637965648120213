import { useEffect, useState } from 'react'
import type { PathEntry } from '@fusion/shared/contract/engine.ts'
import { fusion } from '../../state/fusion.ts'
import { shelf } from '../../state/replica.ts'
import type { Range } from './layout.ts'

/** Read in advance on both sides of what is rendered. */
const AHEAD = 30
/** The contract's limit for one call. */
const PAGE = 200

/** Reads the bodies of the messages in `range` that are not there yet, a page at a time. What fails is asked again with the next range. */
export function useBodies(conversationId: string, path: readonly PathEntry[], { first, end }: Range, online: boolean): void {
  const [asked] = useState(() => new Set<string>())
  useEffect(() => {
    if (!online) return
    const near = path.slice(Math.max(0, first - AHEAD), end + AHEAD)
    const ids = near.map(entry => entry.id).filter(id => !shelf.get(id) && !asked.has(id))
    if (ids.length === 0) return
    // A row that is only flown over by a dragged scroll bar is not asked for.
    const timer = setTimeout(() => {
      for (let at = 0; at < ids.length; at += PAGE) void read(ids.slice(at, at + PAGE))
    }, 30)
    return () => clearTimeout(timer)

    async function read(page: string[]): Promise<void> {
      for (const id of page) asked.add(id)
      try {
        const { messages } = await fusion.chats.messages({ conversationId, ids: page })
        for (const message of messages) if (!shelf.get(message.id)) shelf.put(message)
      } catch {
        for (const id of page) asked.delete(id)
      }
    }
  }, [conversationId, path, first, end, online, asked])
}
