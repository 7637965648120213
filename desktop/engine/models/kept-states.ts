import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { isCancelled } from '@fusion/shared/rpc/failure.ts'
import type { Log } from '../log.ts'
import { reasonOf } from '../log-error.ts'
import type { Registries } from './registry.ts'
import type { RunningModel } from './running.ts'

/** KV states of chats on disk: as private as the chat, never trusted, and no more than their share of the disk. */
export interface KeptStates {
  /** Loads the chat's state into its model, if there is a usable one. Never fails: without a state the answer is computed. */
  open(conversationId: string, modelId: string): Promise<void>
  save(conversationId: string, modelId: string): Promise<void>
  /** Deletes the states of a chat, on disk and in memory. */
  deleteOf(conversationId: string): Promise<void>
  /** Deletes the states of all chats. */
  deleteAll(): Promise<void>
  /** Deletes the states of a model that is no longer there. */
  deleteOfModel(modelId: string): void
  /** Follows what a model saves by itself, because another chat needed the memory. */
  follow(model: RunningModel): void
}

/** Of the disk's free space, what states may take in all. */
const SHARE = 0.05
const LOADING = '.loading'
const BACKUP_TAG = 'CACHEDIR.TAG'

export function createKeptStates({
  folder,
  registry,
  ready,
  log,
}: {
  folder: string
  registry: Registries['states']
  ready: (modelId: string) => RunningModel | undefined
  log: Log
}): KeptStates {
  /** Work on one chat's files, one after the other. */
  const turns = new Map<string, Promise<unknown>>()
  const deleted = new Set<string>()
  /** Chats whose state a process may write by itself, when another chat needs the memory. */
  const opened = new Set<string>()
  const followed = new Set<RunningModel>()
  let prepared = false

  function inTurn<T>(conversationId: string, work: () => Promise<T>): Promise<T> {
    const result = (turns.get(conversationId) ?? Promise.resolve()).then(work)
    const settled = result.catch(() => {})
    turns.set(conversationId, settled)
    void settled.then(() => turns.get(conversationId) === settled && turns.delete(conversationId))
    return result
  }

  // Of the hash's 64 digits 16 tell a person's models apart; two with the same would find each other's state unusable, and no more.
  const nameOf = (conversationId: string, modelId: string) => `${conversationId}-${modelId.slice(0, 16)}.kv`
  const pathOf = (conversationId: string, modelId: string) => join(folder, nameOf(conversationId, modelId))

  function removeFile(name: string): void {
    for (const path of [name, `${name}${LOADING}`]) rmSync(join(folder, path), { force: true })
  }

  /** Programs that make backups leave out a folder with this file in it (bford.info/cachedir). */
  function keepOutOfBackups(): void {
    try {
      writeFileSync(join(folder, BACKUP_TAG), 'Signature: 8a477f597d28d172789f06886806bc55\n', { mode: 0o600, flag: 'wx' })
    } catch {
      // It is there already; or the disk is full, and the next start tries again.
    }
  }

  /** At the first use: states that took the engine with them, and files that nobody knows of. */
  function prepare(): void {
    if (prepared) return
    prepared = true
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    keepOutOfBackups()
    const names = readdirSync(folder).filter(name => name !== BACKUP_TAG)
    for (const state of registry.all()) {
      const harmful = names.includes(`${state.file}${LOADING}`)
      if (harmful) log.warn({ conversationId: state.conversationId }, 'a state that ended its process was deleted')
      if (harmful || !names.includes(state.file)) forgetFile(state.conversationId, state.modelId)
    }
    const known = new Set(registry.all().map(({ file }) => file))
    for (const name of names) if (!known.has(name)) rmSync(join(folder, name), { force: true })
  }

  function forgetFile(conversationId: string, modelId: string): void {
    for (const name of registry.remove(conversationId, modelId)) removeFile(name)
    removeFile(nameOf(conversationId, modelId))
  }

  async function forgetInMemory(conversationId: string): Promise<void> {
    // A process that ended has nothing left to forget.
    await Promise.all([...followed].map(({ client }) => client.chat.forget({ chatId: conversationId }).catch(() => {})))
  }

  async function remember(conversationId: string, modelId: string, saved: { tokens: number; bytes: number }): Promise<void> {
    const file = nameOf(conversationId, modelId)
    if (deleted.has(conversationId)) return removeFile(file)
    registry.put({ conversationId, modelId, file, ...saved, usedAt: Date.now() })
    const { bavail, bsize } = await statfs(folder)
    const states = registry.all()
    let total = states.reduce((sum, state) => sum + state.bytes, 0)
    // What the states take themselves would be free without them.
    const most = (bavail * bsize + total) * SHARE
    for (const state of states) {
      if (total <= most) break
      total -= state.bytes
      forgetFile(state.conversationId, state.modelId)
    }
  }

  async function deleteOf(conversationId: string): Promise<void> {
    deleted.add(conversationId)
    opened.delete(conversationId)
    await inTurn(conversationId, async () => {
      prepare()
      const models = new Set(
        registry
          .all()
          .filter(state => state.conversationId === conversationId)
          .map(state => state.modelId),
      )
      for (const modelId of models) forgetFile(conversationId, modelId)
      await forgetInMemory(conversationId)
      // A state that was being saved while its chat was deleted.
      for (const name of readdirSync(folder)) if (name.startsWith(`${conversationId}-`)) rmSync(join(folder, name), { force: true })
    })
  }

  return {
    open(conversationId, modelId) {
      // When it is asked, not when its turn comes: what is deleted in between stays deleted.
      deleted.delete(conversationId)
      return inTurn(conversationId, async () => {
        const model = ready(modelId)
        if (!model || deleted.has(conversationId)) return
        try {
          prepare()
          opened.add(conversationId)
          const path = pathOf(conversationId, modelId)
          await model.client.chat.saveBeforeEviction({ chatId: conversationId, path })
          if (!registry.get(conversationId, modelId)) return
          if (!existsSync(path)) return forgetFile(conversationId, modelId)
          // Whatever dies now, it was this state: it is deleted here, or by the next engine.
          writeFileSync(`${path}${LOADING}`, '')
          try {
            await model.client.chat.loadState({ chatId: conversationId, path })
            rmSync(`${path}${LOADING}`, { force: true })
            registry.touch(conversationId, modelId)
          } catch (error) {
            forgetFile(conversationId, modelId)
            log.warn({ conversationId, modelId, reason: reasonOf(error) }, 'state was not usable')
            // Who asks for the model next must be told that it is gone.
            if (reasonOf(error) === 'disconnected') await model.gone
          }
        } catch (error) {
          if (!isCancelled(error)) log.warn({ conversationId, modelId, reason: reasonOf(error) }, 'state could not be opened')
        }
      })
    },
    save: (conversationId, modelId) =>
      inTurn(conversationId, async () => {
        const model = ready(modelId)
        if (!model || deleted.has(conversationId)) return
        prepare()
        const saved = await model.client.chat.saveState({ chatId: conversationId, path: pathOf(conversationId, modelId) })
        if (saved.tokens > 0) await remember(conversationId, modelId, saved)
      }),
    deleteOf,
    async deleteAll() {
      const known = registry.all().map(state => state.conversationId)
      await Promise.all(Array.from(new Set([...opened, ...known]), deleteOf))
    },
    deleteOfModel(modelId) {
      for (const state of registry.all()) if (state.modelId === modelId) forgetFile(state.conversationId, modelId)
    },
    follow(model) {
      followed.add(model)
      void (async () => {
        try {
          for await (const { chatId, ...saved } of model.client.chat.watchSaved({})) {
            await inTurn(chatId, () => remember(chatId, model.modelId, saved)).catch((error: unknown) =>
              log.warn({ conversationId: chatId, reason: reasonOf(error) }, 'state not kept'),
            )
          }
        } catch {
          // The process ended.
        } finally {
          followed.delete(model)
        }
      })()
    },
  }
}
