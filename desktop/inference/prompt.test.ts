import type { Prompt } from '@fusion/shared/contract/inference.ts'
import { expect, test } from 'vitest'
import { createChatTemplate } from './chat-template.ts'
import { createPromptWriter } from './prompt.ts'

const values = { bos_token: '<s>', eos_token: '</s>' }
const writer = (template: string) => createPromptWriter({ template: createChatTemplate(template), values })
const write = async (template: string, prompt: Prompt) => (await writer(template)).write(prompt)
const textOf = (parts: { text: string }[]) => parts.map(part => part.text).join('')

// In the manner of ChatML, of Llama 2 with its strict order, and of Gemma without a system role.
const chatml = `{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content | trim }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}`
const strict = `{{ bos_token }}{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]{% else %}{{ m.content }}{{ eos_token }}{% endif %}{% endfor %}`
const dropsSystem = `{% for m in messages %}{% if m.role != 'system' %}<{{ m.role }}>{{ m.content }}{% endif %}{% endfor %}<assistant>`

test('a prompt reads as the template writes it, contents untouched', async () => {
  const { parts } = await write(chatml, {
    messages: [
      { role: 'system', text: 'Be brief.' },
      { role: 'user', text: '  spaced {{ bos_token }} <|im_end|>  ' },
    ],
  })
  expect(textOf(parts)).toBe(
    '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n  spaced {{ bos_token }} <|im_end|>  <|im_end|>\n<|im_start|>assistant\n',
  )
  expect(parts.filter(part => part.kind === 'content').map(part => part.message)).toEqual([0, 1])
  expect(parts.filter(part => part.kind === 'template').every(part => !part.text.includes('spaced'))).toBe(true)
})

test('where a template refuses or drops the system role, its words stand before the first question', async () => {
  const messages = [
    { role: 'system', text: 'Be brief.' },
    { role: 'user', text: 'hello' },
  ] as const
  expect(textOf((await write(strict, { messages: [...messages] })).parts)).toBe('<s>[INST] Be brief.\n\nhello [/INST]')
  expect(textOf((await write(dropsSystem, { messages: [...messages] })).parts)).toBe('<user>Be brief.\n\nhello<assistant>')
})

test('messages of one role in a row become one turn', async () => {
  const { parts } = await write(strict, {
    messages: [
      { role: 'user', text: 'one' },
      { role: 'user', text: 'two' },
      { role: 'assistant', text: 'three' },
      { role: 'user', text: 'four' },
    ],
  })
  expect(textOf(parts)).toBe('<s>[INST] one\n\ntwo [/INST]three</s>[INST] four [/INST]')
})

test('the beginning of an answer follows what asks for one', async () => {
  const { parts } = await write(chatml, { messages: [{ role: 'user', text: 'hello' }], answerStart: 'Well, ' })
  expect(textOf(parts)).toMatch(/<\|im_start\|>assistant\nWell, $/)
  expect(parts.at(-1)).toEqual({ kind: 'content', text: 'Well, ', message: -1 })
})

test('without a template, or with one that cannot be used, turns are set apart by plain words', async () => {
  const unusable = [
    '{{ raise_exception("no") }}',
    'always the same',
    '{% for m in messages[::-1] %}{{ m.content }}{% endfor %}',
    '{% for m in messages %}{{ m.content }}{{ m.content }}{% endfor %}',
  ]
  for (const plain of await Promise.all([createPromptWriter({ template: undefined, values }), ...unusable.map(writer)])) {
    expect(plain.template).toBe('plain')
    const { parts, stopText } = await plain.write({
      messages: [
        { role: 'system', text: 'Be brief.' },
        { role: 'user', text: 'hello' },
      ],
    })
    expect(textOf(parts)).toBe('System: Be brief.\n\nUser: hello\n\nAssistant:')
    expect(stopText).toBe('\nUser:')
  }
})

test('a prompt that only this template refuses is written plainly, and the others still by it', async () => {
  const picky = await writer(`{% if messages | length > 4 %}{{ raise_exception('too many') }}{% endif %}${chatml}`)
  expect(picky.template).toBe('file')
  const many = Array.from({ length: 7 }, (_, index) => ({ role: index % 2 ? ('assistant' as const) : ('user' as const), text: `${index}` }))
  expect(textOf((await picky.write({ messages: many })).parts)).toMatch(/^User: 0/)
  expect(textOf((await picky.write({ messages: many.slice(0, 1) })).parts)).toMatch(/^<\|im_start\|>/)
})
