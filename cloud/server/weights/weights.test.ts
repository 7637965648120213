import { spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { skipWithoutS3, startS3, type TestS3 } from '../objects/testing/test-s3.ts'
import { startTestCloud, type TestCloud } from '../testing/test-cloud.ts'
import { createWeights, type Weights } from './weights.ts'

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

describe.each([
  ['a folder', false],
  ['S3 (versitygw)', true],
])('weights in %s', (_, byS3) => {
  describe.skipIf(byS3 && skipWithoutS3)('kept', () => {
    let cloud: TestCloud
    let s3: TestS3 | undefined
    let folder: string
    let weights: Weights
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'fusion-weights-'))
      s3 = byS3 ? await startS3() : undefined
      cloud = await startTestCloud({ env: { ...s3?.env } })
      weights = createWeights({ objects: cloud.parts.objects, clock: Date.now })
    })
    afterAll(async () => {
      await cloud.close()
      await s3?.close()
      await rm(folder, { recursive: true, force: true })
    })

    async function files(): Promise<{ paths: string[]; contents: Buffer[] }> {
      const contents = [randomBytes(3_000_000), Buffer.from('{"architectures":["LlamaForCausalLM"]}')]
      const paths = [join(folder, 'model-00001-of-00001.safetensors'), join(folder, 'config.json')]
      for (const [index, path] of paths.entries()) await writeFile(path, contents[index]!)
      return { paths, contents }
    }
    const keys = async () => (await cloud.parts.objects.list('weights/')).map(({ key }) => key)

    test('they are listed with their hashes, had by links for a day, and gone when they are removed', async () => {
      const { paths, contents } = await files()
      const of = { model: 'llama-3.1-8b', revision: 'r1', quantization: 'awq' }
      const added = await weights.add(of, paths)
      expect(added).toMatchObject({ ...of, files: [{ size: 3_000_000, sha256: sha256(contents[0]!) }, { name: 'config.json' }] })
      expect(await weights.list()).toEqual([added])
      const links = await weights.links('llama-3.1-8b', 'r1')
      for (const [index, { url, sha256: hash }] of links.entries()) {
        const bytes = Buffer.from(await (await fetch(url)).arrayBuffer())
        expect([sha256(bytes), bytes.equals(contents[index]!)]).toEqual([hash, true])
      }
      await expect(weights.add(of, paths)).rejects.toThrow('A revision does not change.')
      await weights.remove('llama-3.1-8b', 'r1')
      expect(await weights.list()).toEqual([])
      expect(await keys()).toEqual([])
      await expect(weights.links('llama-3.1-8b', 'r1')).rejects.toThrow('There are no weights of llama-3.1-8b in the revision r1.')
    })

    test('what was interrupted is no weights, and is gone on with: what was put already is not put again', async () => {
      const { paths } = await files()
      const of = { model: 'mistral-7b', revision: 'r1', quantization: 'none' }
      await expect(weights.add(of, [paths[0]!, join(folder, 'not-there.json')])).rejects.toThrow('ENOENT')
      expect(await weights.list()).toEqual([])
      expect(await keys()).toHaveLength(1)
      let puts = 0
      const { objects } = cloud.parts
      const counted = createWeights({
        objects: Object.assign(Object.create(objects) as typeof objects, {
          put: (...put: Parameters<typeof objects.put>) => {
            puts += 1
            return objects.put(...put)
          },
        }),
        clock: Date.now,
      })
      await counted.add(of, paths)
      // The other file, and the list.
      expect(puts).toBe(2)
      await weights.remove('mistral-7b', 'r1')
    })

    test('names that are none, and files of one name, are refused in words', async () => {
      const { paths } = await files()
      for (const model of ['Llama 3', '../up', 'a/b', ''])
        await expect(weights.add({ model, revision: 'r1', quantization: 'none' }, paths)).rejects.toThrow('can not be a name here')
      const of = { model: 'twice', revision: 'r1', quantization: 'none' }
      await expect(weights.add(of, [paths[0]!, paths[0]!])).rejects.toThrow('each name once')
      await expect(weights.add(of, [])).rejects.toThrow('at least one file')
    })
  })
})

test('by its command weights are added, listed, linked to and removed; wrong words are answered with how it is used', async () => {
  const home = await mkdtemp(join(tmpdir(), 'fusion-cloud-'))
  const file = join(home, 'config.json')
  await writeFile(file, '{}')
  const run = (...words: string[]) => {
    const env = { ...process.env, FUSION_HOME: home, FUSION_CLOUD_URL: 'http://cloud.example' }
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, '../main.ts'), 'weights', ...words], {
      env,
      encoding: 'utf8',
    })
    return { status, text: stdout + stderr }
  }
  expect(run('list')).toEqual({ status: 0, text: 'There are no weights yet.\n' })
  expect(run('add', 'qwen-14b', '--revision', 'r1', '--quantization', 'gptq', file)).toMatchObject({
    status: 0,
    text: expect.stringContaining('1 files of qwen-14b'),
  })
  expect(run('list').text).toContain('qwen-14b  r1  gptq  1 files')
  expect(JSON.parse(run('links', 'qwen-14b', '--revision', 'r1').text)).toMatchObject({
    name: 'config.json',
    url: expect.stringContaining('http://cloud.example/v1/objects?token='),
  })
  expect(run('remove', 'qwen-14b', '--revision', 'r1').status).toBe(0)
  expect(run('remove', 'qwen-14b', '--revision', 'r1')).toMatchObject({
    status: 1,
    text: expect.stringContaining('There are no weights of qwen-14b'),
  })
  for (const words of [['add'], ['links', 'a'], ['frobnicate', 'a', '--revision', 'b'], ['list', '--no-such']])
    expect(run(...words)).toMatchObject({ status: 1, text: expect.stringContaining('npm run cloud -- weights add') })
  await rm(home, { recursive: true, force: true })
})
