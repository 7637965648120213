import type { Connection } from './connection.ts'

export interface Purge {
  conversation(key: number, id: string): Promise<void>
}

export function createPurge(connection: Connection): Purge {
  const { sqlite, commit, tell } = connection
  const removals = [
    'delete from growth where msg in (select seq from msg where conv = ?)',
    'delete from msg_attachment where msg in (select seq from msg where conv = ?)',
    'delete from msg where conv = ?',
    'delete from conv where key = ?',
  ].map(sql => sqlite.prepare(sql))
  return {
    async conversation(key, id) {
      commit(() => {
        for (const removal of removals) removal.run(key)
        tell({ type: 'conversation-gone', conversationId: id })
      })
      sqlite.pragma('wal_checkpoint(truncate)')
    },
  }
}
