// Weights of models for model servers: files under the hash of their content, and a list of them for each model and revision.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { Type, type Static } from 'typebox'
import { Value } from 'typebox/value'
import type { Clock } from '../clock.ts'
import type { Objects } from '../objects/objects.ts'

const Manifest = Type.Object({
  model: Type.String(),
  revision: Type.String(),
  /** As model servers call it: awq, gptq, fp8, none. */
  quantization: Type.String(),
  /** Milliseconds since 1970. */
  addedAt: Type.Integer(),
  files: Type.Array(
    Type.Object({ name: Type.String(), size: Type.Integer({ minimum: 0 }), sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }) }),
  ),
})
export type Manifest = Static<typeof Manifest>

/** The name of a model or a revision, as a part of a key. */
const NAME = /^[a-z0-9][a-z0-9._-]{0,99}$/
const MANIFEST = 'manifest.json'
const LINK_SECONDS = 24 * 3_600

/** What the registry refuses, in words. */
export class WeightsRefused extends Error {}

export interface WeightsLink {
  name: string
  size: number
  sha256: string
  url: string
}

export type Weights = ReturnType<typeof createWeights>

export function createWeights({ objects, clock }: { objects: Objects; clock: Clock }) {
  const prefixOf = (model: string, revision: string) => `weights/${model}/${revision}/`

  function check(...names: string[]): void {
    for (const name of names)
      if (!NAME.test(name))
        throw new WeightsRefused(`"${name}" can not be a name here: small letters, digits, dots and dashes, 100 at the most, are.`)
  }

  async function read(key: string): Promise<Manifest | undefined> {
    const found = await objects.get(key)
    if (!found) return undefined
    const pieces: Uint8Array[] = []
    for await (const piece of found.body) pieces.push(piece as Uint8Array)
    const manifest: unknown = JSON.parse(Buffer.concat(pieces).toString('utf8'))
    if (!Value.Check(Manifest, manifest)) throw new WeightsRefused(`${key} is no list of weights.`)
    return manifest
  }

  async function find(model: string, revision: string): Promise<Manifest> {
    check(model, revision)
    const manifest = await read(prefixOf(model, revision) + MANIFEST)
    if (!manifest) throw new WeightsRefused(`There are no weights of ${model} in the revision ${revision}.`)
    return manifest
  }

  return {
    /**
     * Keeps these files as the weights of a model: their list last, so that an interrupted one is none. What is there already is not put again.
     * `onFile`: told before each file. Throws `WeightsRefused`, and what reading and the objects throw.
     */
    async add(
      of: Pick<Manifest, 'model' | 'revision' | 'quantization'>,
      paths: readonly string[],
      onFile: (name: string, size: number) => void = () => {},
    ): Promise<Manifest> {
      const { model, revision } = of
      check(model, revision)
      const prefix = prefixOf(model, revision)
      if (await read(prefix + MANIFEST))
        throw new WeightsRefused(`The weights of ${model} in the revision ${revision} are there already. A revision does not change.`)
      const names = paths.map(path => basename(path))
      if (names.length === 0 || new Set(names).size < names.length) throw new WeightsRefused('Name at least one file, and each name once.')
      const files: Manifest['files'] = []
      for (const path of paths) {
        const { size } = await stat(path)
        onFile(basename(path), size)
        const sha256 = await hashOf(path)
        const contentType = 'application/octet-stream'
        if ((await objects.head(prefix + sha256))?.sha256 !== sha256)
          await objects.put(prefix + sha256, createReadStream(path), { size, sha256, contentType })
        files.push({ name: basename(path), size, sha256 })
      }
      const manifest: Manifest = { ...of, addedAt: clock(), files }
      const bytes = Buffer.from(JSON.stringify(manifest))
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      await objects.put(prefix + MANIFEST, oneOf(bytes), { size: bytes.length, sha256, contentType: 'application/json' })
      return manifest
    },

    /** By model and revision. */
    async list(): Promise<Manifest[]> {
      const manifests: Manifest[] = []
      for (let after: string | undefined; ;) {
        const page = await objects.list('weights/', after)
        for (const { key } of page) {
          const manifest = key.endsWith(`/${MANIFEST}`) ? await read(key) : undefined
          if (manifest) manifests.push(manifest)
        }
        if (page.length === 0) return manifests
        after = page.at(-1)!.key
      }
    },

    /** Where a model server gets them, for a day. Throws `WeightsRefused`. */
    async links(model: string, revision: string): Promise<WeightsLink[]> {
      const { files } = await find(model, revision)
      return Promise.all(
        files.map(async file => ({ ...file, url: (await objects.presignGet(prefixOf(model, revision) + file.sha256, LINK_SECONDS)).url })),
      )
    },

    /** Their list first, so that nobody finds half of them. Throws `WeightsRefused`. */
    async remove(model: string, revision: string): Promise<void> {
      await find(model, revision)
      const prefix = prefixOf(model, revision)
      await objects.delete(prefix + MANIFEST)
      for (;;) {
        const page = await objects.list(prefix)
        for (const { key } of page) await objects.delete(key)
        if (page.length === 0) return
      }
    },
  }
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const piece of createReadStream(path)) hash.update(piece as Buffer)
  return hash.digest('hex')
}

async function* oneOf(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes
}
