import { Compile } from 'typebox/compile'
import { Notice } from '@fusion/shared/contract/engine.ts'
import { failure, type Code } from '@fusion/shared/contract/failures.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import { Failure, type FailureDetail } from '@fusion/shared/rpc/failure.ts'
import type { Connection } from './connection.ts'
import { parseJson } from './conversations.ts'

export interface Notices {
  all(): Notice[]
  /** Says something about this installation once, until the person dismisses it. */
  add(code: Code, detail?: FailureDetail): void
  /** Says it once, for as long as the process lives: of what the next start will look at anew. */
  addForNow(code: Code): void
  dismiss(id: string): void
  /** Counts a row that does not have the form it should have; the same row counts once. */
  rowUnreadable(table: string, key: string | number): void
}

const UNREADABLE = 'row-unreadable'
const readable = Compile(Notice)

/** `inMemory`: where nothing can be written, what is added lasts as long as the process. */
export function createNotices(connection: Connection, inMemory = false): Notices {
  const { sqlite, now, commit, whereSound, tell } = connection
  const selectAll = sqlite.prepare<[], { id: string; failure: string }>('select id, failure from notice order by at, id')
  const insert = sqlite.prepare('insert or replace into notice (id, failure, at) values (?, ?, ?)')
  const remove = sqlite.prepare('delete from notice where id = ?')
  const added: Notice[] = []
  // In memory: the rows are met again at each start, as long as they are there.
  const unreadable = new Set<string>()
  let unreadableDismissed = false
  let unreadableTold = false

  function addInMemory(code: Code, detail?: FailureDetail): void {
    added.push({ id: newId(now()), failure: Failure.toBody(failure(code, detail)) })
    tell({ type: 'notice-changed' })
  }

  return {
    all() {
      const kept = whereSound([], () =>
        selectAll.all().flatMap(row => {
          const notice = { id: row.id, failure: parseJson(row.failure) }
          return readable.Check(notice) ? [notice] : []
        }),
      )
      if (unreadable.size > 0 && !unreadableDismissed) {
        kept.push({ id: UNREADABLE, failure: Failure.toBody(failure('row-unreadable', { count: unreadable.size })) })
      }
      return [...kept, ...added]
    },
    addForNow(code) {
      if (!added.some(notice => notice.failure.code === code)) addInMemory(code)
    },
    add(code, detail) {
      if (inMemory) return addInMemory(code, detail)
      commit(() => {
        insert.run(newId(now()), JSON.stringify(Failure.toBody(failure(code, detail))), now())
        tell({ type: 'notice-changed' })
      })
    },
    dismiss(id) {
      if (id === UNREADABLE) {
        unreadableDismissed = true
        tell({ type: 'notice-changed' })
        return
      }
      const index = added.findIndex(notice => notice.id === id)
      if (index >= 0) {
        added.splice(index, 1)
        tell({ type: 'notice-changed' })
        return
      }
      commit(() => {
        remove.run(id)
        tell({ type: 'notice-changed' })
      })
    },
    rowUnreadable(table, key) {
      const before = unreadable.size
      unreadable.add(`${table} ${key}`)
      if (unreadable.size === before || unreadableTold) return
      // One telling for all that one reading meets: rows come by the hundred.
      unreadableTold = true
      queueMicrotask(() => {
        unreadableTold = false
        tell({ type: 'notice-changed' })
      })
    },
  }
}
