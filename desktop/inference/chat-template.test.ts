import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createChatTemplate } from './chat-template.ts'
import { createPromptWriter } from './prompt.ts'
import { answer, guide, loadModel, processOfTest, testFolder } from './testing/inference.ts'

const endless = `{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}{% endfor %}{% endfor %}{% endfor %}`
const values = { bos_token: '', eos_token: '', messages: [{ role: 'user', content: 'mark' }] }

test('a template writes what it is given, and refuses by raising', async () => {
  const template = createChatTemplate(`{{ messages[0].content }}{% if bos_token %}{{ raise_exception('no') }}{% endif %}`)
  expect(await template.render(values)).toBe('mark')
  expect(await template.render({ ...values, bos_token: 's' })).toBeUndefined()
  expect(await template.render(values)).toBe('mark')
  expect(await createChatTemplate('{% if').render(values)).toBeUndefined()
})

test('a template that never ends is ended, and not run again', async () => {
  const template = createChatTemplate(`{% if eos_token %}${endless}{% endif %}fine`, { longestMs: 3_000 })
  expect(await template.render(values)).toBe('fine')
  expect(await template.render({ ...values, eos_token: 's' })).toBeUndefined()
  expect(await template.render(values)).toBeUndefined()
})

test.each([
  ['a list without end', '{% for i in range(2000000000) %}a{% endfor %}'],
  [
    'a text that doubles',
    `{% set all = namespace(text='aaaa') %}{% for i in range(99) %}{% set all.text = all.text + all.text %}{% endfor %}{{ all.text }}`,
  ],
  ['a text too long for a prompt', `{% for i in range(9999) %}{% for j in range(9999) %}aaaaaaaaaa{% endfor %}{% endfor %}`],
  ['brackets without end', `{{ ${'('.repeat(100_000)}1${')'.repeat(100_000)} }}`],
])('%s harms nothing but the template', async (_, text) => {
  expect(await createChatTemplate(text).render(values)).toBeUndefined()
})

test('where a template loops for ever only later, that prompt and those after it are written plainly', async () => {
  const simple = `{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}`
  const text = `{% if messages | length > 4 %}${endless}{% endif %}${simple}`
  const writer = await createPromptWriter({ template: createChatTemplate(text, { longestMs: 3_000 }), values })
  expect(writer.template).toBe('file')
  const many = Array.from({ length: 5 }, (_, index) => ({ role: index % 2 ? ('assistant' as const) : ('user' as const), text: `${index}` }))
  for (const messages of [many, many.slice(0, 1)]) expect((await writer.write({ messages })).parts[0]!.text).toBe('User: ')
})

test('a model file with a template that never ends is loaded, answers, and says that its template is not used', async () => {
  const bytes = readFileSync(guide)
  const key = 'tokenizer.chat_template'
  // After the key: its type in 4 bytes, the length of the text in 8, the text.
  const at = bytes.indexOf(key) + key.length + 12
  const length = Number(bytes.readBigUInt64LE(at - 8))
  expect(length).toBeGreaterThan(endless.length)
  bytes.write(endless.padEnd(length), at)
  const path = join(testFolder(), 'hostile.gguf')
  writeFileSync(path, bytes)
  const { client } = processOfTest()
  expect(await loadModel(client, { path })).toMatchObject({ template: 'plain' })
  expect((await answer(client, 'hello', { sampling: { temperature: 0, maxTokens: 5 } })).finished.completionTokens).toBeGreaterThan(0)
})

test('a conversation of thousands of messages is written', async () => {
  const messages = Array.from({ length: 4_000 }, (_, index) => ({ role: index % 2 ? 'assistant' : 'user', content: `Qf7Zx${index}xZ7fQ` }))
  const template = createChatTemplate('{% for m in messages %}<|{{ m.role }}|>{{ m.content | trim }}<|end|>{% endfor %}')
  expect((await template.render({ ...values, messages }))?.split('<|end|>')).toHaveLength(4_001)
})
