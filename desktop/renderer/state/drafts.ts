import { type Draft, type EngineContract, MAX_TEXT } from '@fusion/shared/contract/engine.ts'
import type { Calls } from './fusion.ts'
import type { StoreApi } from 'zustand'
import type { ReplicaStore } from './mirror.ts'
import type { View } from './view.ts'

/** A pause in typing after which the draft goes to the engine, in ms: with the way there it is on disk well within 300. */
const PAUSE_MS = 200
const RETRY_MS = 2000

export interface Drafts {
  /** What was typed: shown at once, saved when typing pauses. */
  change(conversationId: string, draft: Draft): void
  /** The draft was sent: what is saved no longer counts. */
  clear(conversationId: string): void
  /** True while something typed would go with the page: what is not saved without a connection, and with one what is too long to be. */
  endangered(online: boolean): boolean
  /** Saves now what waits for a pause: the page may be going away. */
  flush(): void
  close(): void
}

interface DraftsOptions {
  view: Pick<StoreApi<View>, 'getState' | 'setState'>
  replica: ReplicaStore & Pick<StoreApi<unknown>, 'subscribe'>
  save: Calls<EngineContract>['drafts']['set']
}

/**
 * Keeps what is typed: here at once, in the engine after a pause. Text that the engine does not hold yet is never replaced by what the
 * engine tells (another window, an older save on its way back); a save that fails is tried again for as long as the page lives.
 */
export function createDrafts({ view, replica, save }: DraftsOptions): Drafts {
  const timers = new Map<string, ReturnType<typeof setTimeout>>()
  // Saves of the open chat that the engine has not told back yet, oldest first. What it tells before them is older than they are.
  let untold: string[] = []

  function set(conversationId: string, typing: View['typing'][string] | null): void {
    view.setState(({ typing: { [conversationId]: _before, ...others } }) => ({
      typing: typing ? { ...others, [conversationId]: typing } : others,
    }))
  }

  function later(conversationId: string, ms: number): void {
    clearTimeout(timers.get(conversationId))
    timers.set(
      conversationId,
      setTimeout(() => void saveNow(conversationId), ms),
    )
  }

  async function saveNow(conversationId: string): Promise<void> {
    clearTimeout(timers.get(conversationId))
    timers.delete(conversationId)
    const typing = view.getState().typing[conversationId]
    // One that is too long is refused however often it is sent; the composer says so.
    if (!typing || typing.saved || typing.text.length > MAX_TEXT) return
    const { saved: _, ...draft } = typing
    if (replica.getState().open?.id === conversationId) untold.push(contentOf(draft))
    try {
      await save({ conversationId, draft })
      if (view.getState().typing[conversationId] === typing) set(conversationId, { ...typing, saved: true })
    } catch {
      const at = untold.lastIndexOf(contentOf(draft))
      if (at >= 0) untold.splice(at, 1)
      if (view.getState().typing[conversationId] === typing) later(conversationId, RETRY_MS)
    }
  }

  // Another window's draft replaces what this one has saved, not what is being typed, nor what was saved after it.
  let known = replica.getState().open?.draft
  let told: unknown
  const leave = replica.subscribe(() => {
    const { open } = replica.getState()
    const telling = open && `${open.id} ${open.tellings}`
    if (telling !== told) untold = []
    told = telling
    if (!open?.ready || open.draft === known) return
    known = open.draft
    const own = untold.indexOf(contentOf(open.draft))
    if (own >= 0) return void untold.splice(0, own + 1)
    if (untold.length > 0) return
    if (view.getState().typing[open.id]?.saved) set(open.id, null)
  })

  return {
    change(conversationId, draft) {
      set(conversationId, { ...draft, saved: false })
      later(conversationId, PAUSE_MS)
    },
    clear(conversationId) {
      clearTimeout(timers.get(conversationId))
      timers.delete(conversationId)
      set(conversationId, { text: '', attachments: [], saved: true })
    },
    endangered: online => Object.values(view.getState().typing).some(({ saved, text }) => !saved && (!online || text.length > MAX_TEXT)),
    flush() {
      for (const conversationId of timers.keys()) void saveNow(conversationId)
    },
    close() {
      leave()
      for (const timer of timers.values()) clearTimeout(timer)
    },
  }
}

/** Two drafts are the same where this is. */
function contentOf({ text, attachments }: Draft): string {
  return JSON.stringify([text, ...attachments.map(attachment => attachment.hash)])
}
