import { open, rename, rm, statfs, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'
import { Type, type Static } from 'typebox'
import { Value } from 'typebox/value'
import { failure } from '@fusion/shared/contract/failures.ts'
import type { NativeContext } from './native.ts'
import type { KeptAnswer, Slot } from './scheduling/slots.ts'

// A state file is llama.cpp's own, and behind it what llama.cpp does not check: a description in JSON, its length in 4 bytes, and the mark.
const MARK = 'FUSIONKV'
const TAIL_BYTES = 4 + MARK.length
const FORMAT = 1

const Description = Type.Object({
  format: Type.Literal(FORMAT),
  /** Hash of the model file: the state of another model can end the process. */
  modelId: Type.String(),
  settings: Type.String(),
  tokens: Type.Integer({ minimum: 1 }),
  payloadBytes: Type.Integer({ minimum: 1 }),
  /** Of the payload: no guard against intent, but against a disk that lost or mixed blocks. */
  crc32: Type.Integer(),
  /** Where answers lie: position, length, and those of its tokens that are not in the state any more. */
  answers: Type.Array(Type.Object({ at: Type.Integer(), count: Type.Integer(), rest: Type.Array(Type.Integer()) })),
})
type Description = Static<typeof Description>

/** What a state must fit, besides being whole. */
export interface StateKey {
  modelId: string
  settings: string
}

let saves = 0

const unusable = (cause?: unknown) => failure('state-unusable', undefined, { cause })

/**
 * Writes the slot's KV state beside `path`. Only this part needs the context; `finish` then makes it a state file, whole or not at all.
 * Throws `disk-full`.
 */
export async function writeState(context: NativeContext, slot: Slot, path: string, key: StateKey, stateBytesPerToken: number) {
  // Each save writes a file of its own: one may still be finished while the next begins.
  const part = `${path}.${++saves}.part`
  const tokens = slot.tokens.slice()
  const answers = slot.answers.slice()
  try {
    const { bavail, bsize } = await statfs(dirname(path))
    if (bavail * bsize < tokens.length * stateBytesPerToken * 1.1) throw failure('disk-full')
    await rm(part, { force: true })
    // Made here first, so that it never stands there readable for others.
    await (await open(part, 'wx', 0o600)).close()
    await context.saveSequenceStateToFile(part, slot.id, Uint32Array.from(tokens))
  } catch (error) {
    await rm(part, { force: true })
    throw asDiskFull(error)
  }
  return { finish: () => finish(part, path, { ...key, tokens, answers }) }
}

async function finish(
  part: string,
  path: string,
  { modelId, settings, tokens, answers }: StateKey & { tokens: number[]; answers: KeptAnswer[] },
) {
  try {
    const file = await open(part, 'r+')
    try {
      const { size } = await file.stat()
      const description: Description = {
        format: FORMAT,
        modelId,
        settings,
        tokens: tokens.length,
        payloadBytes: size,
        crc32: await checksum(file, size),
        answers: answers.map(({ at, tokens: answer }) => {
          const inside = Math.max(0, Math.min(answer.length, tokens.length - at))
          return { at, count: inside, rest: answer.slice(inside) }
        }),
      }
      const json = Buffer.from(JSON.stringify(description))
      const tail = Buffer.alloc(TAIL_BYTES)
      tail.writeUInt32LE(json.length)
      tail.write(MARK, 4, 'latin1')
      await file.write(Buffer.concat([json, tail]), 0, json.length + TAIL_BYTES, size)
      await file.sync()
      await rename(part, path)
      return { tokens: tokens.length, bytes: size + json.length + TAIL_BYTES }
    } finally {
      await file.close()
    }
  } catch (error) {
    await rm(part, { force: true })
    throw asDiskFull(error)
  }
}

/** Reads the description and checks the whole file against it and `key`. Anything wrong is `state-unusable`; nothing of it reached llama.cpp. */
export async function checkState(path: string, key: StateKey, contextTokens: number): Promise<Description> {
  let file: FileHandle
  try {
    file = await open(path, 'r')
  } catch (error) {
    throw unusable(error)
  }
  try {
    const { size } = await file.stat()
    const tail = await readExactly(file, size - TAIL_BYTES, TAIL_BYTES)
    const length = tail.readUInt32LE()
    if (tail.toString('latin1', 4) !== MARK || length > 16 << 20) throw unusable()
    const start = size - TAIL_BYTES - length
    const description: unknown = JSON.parse((await readExactly(file, start, length)).toString())
    if (!Value.Check(Description, description)) throw unusable()
    const fits = description.modelId === key.modelId && description.settings === key.settings && description.tokens < contextTokens
    if (!fits || description.payloadBytes !== start || description.crc32 !== (await checksum(file, start))) throw unusable()
    return description
  } catch (error) {
    throw unusable(error)
  } finally {
    await file.close()
  }
}

/** Loads a checked state into the slot, in place of what it held. */
export async function readState(
  context: NativeContext,
  slot: Slot,
  path: string,
  description: Description,
  contextTokens: number,
): Promise<void> {
  try {
    const tokens = await context.loadSequenceStateFromFile(path, slot.id, contextTokens)
    if (tokens.length !== description.tokens) throw unusable()
    slot.tokens = Array.from(tokens)
    slot.answers = description.answers.map(({ at, count, rest }) => ({ at, tokens: [...slot.tokens.slice(at, at + count), ...rest] }))
    slot.dirty = false
  } catch (error) {
    // What the half of a state left there is not to be built upon.
    context.disposeSequence(slot.id)
    slot.tokens = []
    slot.answers = []
    throw unusable(error)
  }
}

const CHUNK = 4 << 20

async function checksum(file: FileHandle, bytes: number): Promise<number> {
  const buffer = Buffer.allocUnsafe(Math.min(CHUNK, bytes))
  let sum = 0
  for (let at = 0; at < bytes;) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, bytes - at), at)
    if (bytesRead === 0) throw unusable()
    sum = crc32(buffer.subarray(0, bytesRead), sum)
    at += bytesRead
  }
  return sum
}

async function readExactly(file: FileHandle, at: number, length: number): Promise<Buffer> {
  if (at < 0) throw unusable()
  const buffer = Buffer.alloc(length)
  const { bytesRead } = await file.read(buffer, 0, length, at)
  if (bytesRead !== length) throw unusable()
  return buffer
}

function asDiskFull(error: unknown): unknown {
  return error instanceof Error && 'code' in error && error.code === 'ENOSPC' ? failure('disk-full', undefined, { cause: error }) : error
}
