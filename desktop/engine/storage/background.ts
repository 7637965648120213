// What would take too long beside a streaming answer, in a thread of its own: it reads whole files. Works on files only, by name.
import { parentPort, workerData } from 'node:worker_threads'
import Database from 'better-sqlite3'
import { checkFile } from './check-file.ts'
import { purgeCopy } from './purge-copy.ts'

export type BackgroundTask =
  | { task: 'check'; file: string }
  | { task: 'checkpoint'; file: string }
  | { task: 'purge-copies'; files: string[]; conversationIds: readonly string[] }

const task = workerData as BackgroundTask
if (task.task === 'check') {
  parentPort!.postMessage(checkFile(task.file))
} else {
  if (task.task === 'checkpoint') checkpoint(task.file)
  else for (const file of task.files) purgeCopy(file, task.conversationIds)
  parentPort!.postMessage('done')
}

/** Brings into the database what lies in its WAL. Waits for nobody, and nobody waits for it. */
function checkpoint(file: string): void {
  const sqlite = new Database(file)
  try {
    sqlite.pragma('wal_checkpoint(passive)')
  } finally {
    sqlite.close()
  }
}
