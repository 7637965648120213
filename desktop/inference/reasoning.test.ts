import { expect, test } from 'vitest'
import { type AnswerPiece, createAnswerReader } from './reasoning.ts'

/** The answer as it is read in pieces of `size` characters, joined by part. */
function read(text: string, size: number, options: Parameters<typeof createAnswerReader>[0] = {}) {
  const reader = createAnswerReader(options)
  const pieces: AnswerPiece[] = []
  for (let at = 0; at < text.length; at += size) pieces.push(...reader.push(text.slice(at, at + size)))
  pieces.push(...reader.end())
  const part = (name: AnswerPiece['part']) =>
    pieces
      .filter(piece => piece.part === name)
      .map(piece => piece.text)
      .join('')
  return { reasoning: part('reasoning'), text: part('text'), stopText: reader.stopText }
}

const cases: [
  name: string,
  input: string,
  expected: { reasoning: string; text: string },
  options?: Parameters<typeof createAnswerReader>[0],
][] = [
  ['no reasoning', ' Hello there', { reasoning: '', text: ' Hello there' }],
  ['reasoning first', '<think>\nHm. Let me see.\n</think>\n\nYes.', { reasoning: 'Hm. Let me see.', text: 'Yes.' }],
  ['empty reasoning', '<think>\n\n</think>\n\nYes.', { reasoning: '', text: 'Yes.' }],
  ['reasoning that never ends', '<think>Hm', { reasoning: 'Hm', text: '' }],
  ['the mark in the midst of an answer', 'Write <think> to think.</think>', { reasoning: '', text: 'Write <think> to think.</think>' }],
  ['something like the mark', '<thing> is a tag', { reasoning: '', text: '<thing> is a tag' }],
  ['opened by the template', 'Hm.</think>Yes.', { reasoning: 'Hm.', text: 'Yes.' }, { prefix: '<|assistant|><think>\n' }],
  ['another mark', '[THINK]Hm[/THINK]Yes', { reasoning: 'Hm', text: 'Yes' }],
  [
    'channels',
    '<|channel|>analysis<|message|>Hm.<|start|>assistant<|channel|>final<|message|>Yes.',
    { reasoning: 'Hm.', text: 'Yes.' },
    { controls: ['<|channel|>', '<|message|>', '<|start|>'] },
  ],
  ['a channel without thought', '<|channel|>final<|message|>Yes.', { reasoning: '', text: 'Yes.' }],
  ['what stops a plain template', 'Yes.\nUser: and', { reasoning: '', text: 'Yes.' }, { stopTexts: ['\nUser:'] }],
  ['what only begins to stop it', 'Yes.\nUse', { reasoning: '', text: 'Yes.\nUse' }, { stopTexts: ['\nUser:'] }],
  ['the first of several texts that stop it', 'one two three', { reasoning: '', text: 'one ' }, { stopTexts: ['three', 'two', 'e th'] }],
  ['a text without turns', '<think> is no mark', { reasoning: '', text: '<think> is no mark' }, { plain: true }],
]

test.each(cases)('%s, in pieces of any size', (_, input, expected, options) => {
  for (let size = 1; size <= input.length; size++) expect(read(input, size, options), `pieces of ${size}`).toMatchObject(expected)
})
