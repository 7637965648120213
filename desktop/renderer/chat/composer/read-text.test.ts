import { Failure } from '@fusion/shared/rpc/failure.ts'
import { expect, test } from 'vitest'
import { readText } from './read-text.ts'

const file = (...parts: BlobPart[]) => new File(parts, 'notes.txt')

test('UTF-8, UTF-16 with its mark, and old single-byte text are read', async () => {
  expect(await readText(file('grüß dich 👋'))).toBe('grüß dich 👋')
  expect(await readText(file(new Uint8Array([0xff, 0xfe, 0x48, 0, 0x69, 0])))).toBe('Hi')
  expect(await readText(file(new Uint8Array([0xfe, 0xff, 0, 0x48, 0, 0x69])))).toBe('Hi')
  expect(await readText(file(new Uint8Array([0x67, 0x72, 0xfc, 0xdf])))).toBe('grüß')
})

test('what holds bytes that no text has is refused by name', async () => {
  for (const bytes of [
    [0x89, 0x50, 0x4e, 0x47, 0, 0, 1],
    [0x25, 0x50, 0x44, 0x46, 1, 2, 3],
  ]) {
    await expect(readText(file(new Uint8Array(bytes)))).rejects.toMatchObject({
      code: 'file-not-text',
      detail: { file: 'notes.txt' },
    } satisfies Partial<Failure>)
  }
})

test('what is larger than a message may be is refused as that, by its size or by its characters', async () => {
  for (const text of ['x'.repeat(8_000_001), '漢'.repeat(8_000_001)])
    await expect(readText(file(text))).rejects.toMatchObject({ code: 'file-too-large', detail: { file: 'notes.txt' } })
})

test('colours of a terminal and page breaks are text', async () => {
  expect(await readText(file('\u001b[31mred\u001b[0m\f\tend\r\n'))).toContain('red')
})

test('an empty file is an empty text', async () => {
  expect(await readText(file())).toBe('')
})
