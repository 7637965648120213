import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { defaultSettings, type Settings } from '@fusion/shared/contract/settings.ts'
import { createLog } from '../../log.ts'
import { openStorage } from '../../storage/storage.ts'
import { createModels, type Loaded, type Models, type ModelsOptions } from '../models.ts'
import { inferenceProgram } from '../program.ts'

const root = join(import.meta.dirname, '../../../..')
export const guideFolder = join(root, 'models/guide')
export const guide = join(guideFolder, 'guide-q4_k_m.gguf')
export const guideF16 = join(guideFolder, 'testing/guide-f16.gguf')
export const guideId = '63be28d0d8ef161a963d180b47b5e20fa800a1f5b2ba1c52d2e8f58d8b24cd87'

/** A process that breaks in one way; the script lies with inference. */
export const programOf = (name: string) => ({ ...inferenceProgram(), script: join(root, 'desktop/inference/testing', name) })

export interface TestModels {
  folder: string
  models: Models
  storage: ReturnType<typeof openStorage>
  /** Names of events that were logged. */
  events(): string[]
  settings: Settings
  close(): Promise<void>
}

export function testFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'fusion-models-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** The models of a data folder, with a real database and real processes. */
export function testModels({ folder = testFolder(), ...options }: Partial<Omit<ModelsOptions, 'storage'>> = {}): TestModels {
  const logged: { event: string }[] = []
  const storage = openStorage({ folder })
  const settings: Settings = { ...defaultSettings, threads: 1 }
  const models = createModels({
    folder,
    bundledFolder: guideFolder,
    storage,
    settings: () => settings,
    log: createLog({ level: 'debug', write: line => void logged.push(JSON.parse(line) as { event: string }) }),
    ...options,
  })
  let closed: Promise<void> | undefined
  const close = () => {
    closed ??= (async () => {
      await models.close()
      storage.close()
    })()
    return closed
  }
  onTestFinished(close)
  return { folder, models, storage, settings, events: () => logged.map(({ event }) => event), close }
}

/** A greedy answer's text. */
export async function ask({ client }: Loaded, text: string, chatId = 'chat'): Promise<string> {
  let said = ''
  for await (const event of client.chat.generate({
    chatId,
    prompt: { messages: [{ role: 'user', text }] },
    sampling: { temperature: 0 },
    priority: 0,
  })) {
    if (event.type === 'text-delta') said += event.text
  }
  return said
}

export const acquire = (models: Models, modelId: string) => models.acquire(modelId, { onProgress: () => {} })

/** Resolves when the models are as wished; asked at each of their changes. */
export function until(models: Models, wished: () => boolean): Promise<void> {
  return new Promise(resolve => {
    const check = () => {
      if (!wished()) return
      unwatch()
      resolve()
    }
    const unwatch = models.watch(check)
    check()
  })
}
