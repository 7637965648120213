import { Compile } from 'typebox/compile'
import { Type, type Static } from 'typebox'
import { ModelEntry, ModelFile } from '@fusion/shared/contract/model.ts'
import type { Connection } from './connection.ts'
import { parseJson } from './conversations.ts'
import type { Notices } from './notices.ts'

/** A model file that was hashed and validated. `bytes` and `mtimeMs` tell whether it still is that file. */
export const KnownModel = Type.Object({
  id: Type.String(),
  path: Type.String(),
  file: ModelFile,
  source: ModelEntry.properties.source,
  bytes: Type.Integer(),
  mtimeMs: Type.Number(),
})
export type KnownModel = Static<typeof KnownModel>

export interface Models {
  all(): KnownModel[]
  put(model: KnownModel): void
  remove(id: string): void
}

interface Row {
  id: string
  path: string
  file: string
  source: string
  bytes: number
  mtime_ms: number
}

const readable = Compile(KnownModel)

export function createModels(connection: Connection, notices: Notices): Models {
  const { sqlite, commit, read } = connection
  const select = sqlite.prepare<[], Row>('select id, path, file, source, bytes, mtime_ms from model order by id')
  const upsert = sqlite.prepare('insert or replace into model (id, path, file, source, bytes, mtime_ms) values (?, ?, ?, ?, ?, ?)')
  const remove = sqlite.prepare('delete from model where id = ?')

  return {
    all() {
      return read(() => select.all()).flatMap(row => {
        const model = { id: row.id, path: row.path, file: parseJson(row.file), source: row.source, bytes: row.bytes, mtimeMs: row.mtime_ms }
        if (readable.Check(model)) return [model]
        notices.rowUnreadable('model', row.id)
        return []
      })
    },
    put: ({ id, path, file, source, bytes, mtimeMs }) =>
      void commit(() => upsert.run(id, path, JSON.stringify(file), source, bytes, mtimeMs)),
    remove: id => void commit(() => remove.run(id)),
  }
}
