import { createHash, randomBytes } from 'node:crypto'
import type { ApiKey } from '@fusion/shared/contract/api.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import type { Connection } from './connection.ts'

export interface ApiKeys {
  /** Oldest first. */
  all(): ApiKey[]
  /** Makes a key. Its secret is told this once; only its hash is kept. */
  make(key: { name: string; cloud: boolean }): { key: ApiKey; secret: string }
  /** The key of that secret, if it is one. Notes that it was used, to the minute. */
  use(secret: string): ApiKey | undefined
  revoke(id: string): void
}

/** What a key looks like: enough of its ends to know it by. */
const hintOf = (secret: string) => `${secret.slice(0, 7)}…${secret.slice(-4)}`
/** Secrets have 256 random bits, so one round of a fast hash is enough. */
const hashOf = (secret: string) => createHash('sha256').update(secret).digest('hex')

const USED_APART_MS = 60_000

interface Row extends Omit<ApiKey, 'cloud'> {
  cloud: 0 | 1
}

export function createApiKeys({ sqlite, now, commit, commitLightly, read, tell }: Connection): ApiKeys {
  const columns = 'id, name, hint, cloud, created_at as createdAt, used_at as usedAt'
  const selectAll = sqlite.prepare<[], Row>(`select ${columns} from api_key order by created_at, id`)
  const selectOne = sqlite.prepare<[string], Row>(`select ${columns} from api_key where hash = ?`)
  const insert = sqlite.prepare('insert into api_key (id, name, hash, hint, cloud, created_at) values (?, ?, ?, ?, ?, ?)')
  const touch = sqlite.prepare('update api_key set used_at = ? where id = ?')
  const remove = sqlite.prepare('delete from api_key where id = ?')
  const keyOf = (row: Row): ApiKey => ({ ...row, cloud: row.cloud === 1 })

  return {
    all: () => read(() => selectAll.all()).map(keyOf),
    make({ name, cloud }) {
      const secret = `fsn-${randomBytes(32).toString('base64url')}`
      const key: ApiKey = { id: newId(), name, hint: hintOf(secret), cloud, createdAt: now(), usedAt: null }
      commit(() => {
        insert.run(key.id, name, hashOf(secret), key.hint, cloud ? 1 : 0, key.createdAt)
        tell({ type: 'api-keys-changed' })
      })
      return { key, secret }
    },
    use(secret) {
      const row = read(() => selectOne.get(hashOf(secret)))
      if (!row) return undefined
      if (row.usedAt === null || now() - row.usedAt >= USED_APART_MS) {
        try {
          commitLightly(() => touch.run(now(), row.id))
          tell({ type: 'api-keys-changed' })
        } catch {
          // A full disk or a folder that is only read: the key is good all the same.
        }
      }
      return keyOf(row)
    },
    revoke(id) {
      commit(() => {
        remove.run(id)
        tell({ type: 'api-keys-changed' })
      })
    },
  }
}
