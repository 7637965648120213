import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { safeName } from './copies.ts'
import { acquire, ask, guideF16, testFolder, testModels, type TestModels } from './testing/models.ts'

/** As a page sends a dropped file. */
async function send({ models }: TestModels, name: string, bytes: Buffer, chunkBytes = 1 << 20): Promise<string> {
  const copyId = await models.beginCopy({ name, bytes: bytes.length })
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    await models.copyChunk({ copyId, at, data: bytes.subarray(at, at + chunkBytes).toString('base64') })
  }
  return models.finishCopy(copyId)
}
const filesIn = (folder: string) => (existsSync(join(folder, 'models')) ? readdirSync(join(folder, 'models')) : [])

test('a dropped file is copied in, checked, and can be used; twice the same stays one', async () => {
  const test = testModels()
  const bytes = readFileSync(guideF16)
  const modelId = await send(test, 'Second Guide.gguf', bytes)
  expect(filesIn(test.folder)).toEqual(['Second Guide.gguf'])
  expect(test.models.state()).toMatchObject({ entries: [{ id: modelId, source: 'found', state: { at: 'cold' } }], arrivals: [] })
  expect(await ask(await acquire(test.models, modelId), 'hello')).not.toBe('')
  expect(await send(test, 'again.gguf', bytes)).toBe(modelId)
  expect(filesIn(test.folder)).toEqual(['Second Guide.gguf'])
})

test('a removed model takes its file with it where it lies in the data folder', async () => {
  const test = testModels()
  const modelId = await send(test, 'gone.gguf', readFileSync(guideF16))
  await test.models.remove(modelId, true)
  expect(filesIn(test.folder)).toEqual([])
  expect(test.models.state().entries).toEqual([])
})

test('a dropped file that is no model is refused by its own name and leaves nothing behind', async () => {
  const test = testModels()
  await expect(send(test, 'notes.gguf', Buffer.from('just some words'))).rejects.toMatchObject({
    code: 'model-not-gguf',
    detail: { file: 'notes.gguf' },
  })
  expect(filesIn(test.folder)).toEqual([])
  expect(test.models.state().arrivals).toMatchObject([{ name: 'notes.gguf', at: 'refused', failure: { code: 'model-not-gguf' } }])
})

test('pieces out of order, too many or too few end the copy, and its rests are removed', async () => {
  const test = testModels()
  const data = Buffer.alloc(10).toString('base64')
  const wrong: ((copyId: string) => Promise<unknown>)[] = [
    copyId => test.models.copyChunk({ copyId, at: 5, data }),
    copyId => test.models.copyChunk({ copyId, at: 0, data: Buffer.alloc(21).toString('base64') }),
    copyId => test.models.copyChunk({ copyId, at: 0, data: '' }),
    copyId => test.models.finishCopy(copyId),
  ]
  for (const step of wrong) {
    const copyId = await test.models.beginCopy({ name: 'a.gguf', bytes: 20 })
    await expect(step(copyId)).rejects.toMatchObject({ code: 'copy-failed' })
    await expect(test.models.copyChunk({ copyId, at: 0, data })).rejects.toMatchObject({ code: 'not-found' })
  }
  expect(filesIn(test.folder)).toEqual([])
})

test('a cancelled copy is gone, also from view', async () => {
  const test = testModels()
  const copyId = await test.models.beginCopy({ name: 'a.gguf', bytes: 20 })
  await test.models.copyChunk({ copyId, at: 0, data: Buffer.alloc(10).toString('base64') })
  expect(test.models.state().arrivals).toMatchObject([{ at: 'copying', fraction: 0.5 }])
  await test.models.cancelCopy(copyId)
  expect(test.models.state().arrivals).toEqual([])
  expect(filesIn(test.folder)).toEqual([])
})

test('a file larger than the disk is refused before a byte of it is written', async () => {
  const test = testModels()
  await expect(test.models.beginCopy({ name: 'a.gguf', bytes: 2 ** 52 })).rejects.toMatchObject({ code: 'disk-full' })
  expect(filesIn(test.folder)).toEqual([])
})

test('copies that an earlier engine left half-way are removed', () => {
  const folder = testFolder()
  mkdirSync(join(folder, 'models'))
  writeFileSync(join(folder, 'models/.copy-old.part'), 'half')
  testModels({ folder })
  expect(filesIn(folder)).toEqual([])
})

test.each([
  ['../../evil.gguf', 'evil.gguf'],
  ['C:\\models\\llama.GGUF', 'llama.gguf'],
  ['/etc/passwd', 'passwd.gguf'],
  ['.hidden.gguf', 'hidden.gguf'],
  ['con.gguf', 'model.gguf'],
  ['..', 'model.gguf'],
  ['', 'model.gguf'],
  ['a\u0000b\n<c>:|?*.gguf', 'abc.gguf'],
  ['Qwen 2.5 模型.gguf', 'Qwen 2.5 模型.gguf'],
])('%j is kept as %j', (name, kept) => {
  expect(safeName(name)).toBe(kept)
})
