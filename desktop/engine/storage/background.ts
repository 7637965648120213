// What would take too long beside a streaming answer, in a thread of its own: it reads whole files. Works on files only, by name.
import { parentPort, workerData } from 'node:worker_threads'
import { checkFile } from './check-file.ts'
import { purgeCopy } from './purge-copy.ts'

export type BackgroundTask = { task: 'check'; file: string } | { task: 'purge-copies'; files: string[]; conversationId: string }

const task = workerData as BackgroundTask
if (task.task === 'check') {
  parentPort!.postMessage(checkFile(task.file))
} else {
  for (const file of task.files) purgeCopy(file, task.conversationId)
  parentPort!.postMessage('done')
}
