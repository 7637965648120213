import { expect, test } from 'vitest'
import { readArguments, WrongUse } from './arguments.ts'

const options = {
  model: { short: 'm', value: 'NAME', about: '' },
  temperature: { value: 'NUMBER', about: '' },
  system: { value: 'TEXT', about: '' },
  json: { about: '' },
}
const read = (...args: string[]) => readArguments(args, options)

test('options and words are told apart, in any order', () => {
  const given = read('one', '-m', 'qwen', 'two', '--json', '--system=-x', '--', '--three')
  expect([given.words, given.text('model'), given.flag('json'), given.text('system'), given.text('temperature')]).toEqual([
    ['one', 'two', '--three'],
    'qwen',
    true,
    '-x',
    undefined,
  ])
})

test.for<[string[], string]>([
  [['--modle', 'x'], 'There is no option --modle here. Did you mean --model?'],
  [['--temp', '1'], 'There is no option --temp here. Did you mean --temperature?'],
  [['--quite-another'], 'There is no option --quite-another here.'],
  [['--toString'], 'There is no option --toString here.'],
  [['-x'], 'There is no option -x here.'],
  [['--json=yes'], '--json takes no value.'],
  [['--system'], '--system wants a value: --system TEXT.'],
  [['--system', '--json'], '--system wants a value: --system TEXT.'],
])('%j is refused in a sentence', ([args, message]) => {
  expect(() => read(...args)).toThrow(new WrongUse(message))
})

test('a number has to be one, within its range', () => {
  const number = (text: string) => read('--temperature', text).number('temperature', { from: 0, to: 2 })
  expect([number('0'), number('1.5'), read().number('temperature', { from: 0, to: 2 })]).toEqual([0, 1.5, undefined])
  for (const wrong of ['-1', '2.1', 'warm', '', ' ', '1e0', '0x1', 'NaN'])
    expect(() => number(wrong)).toThrow(`--temperature must be a number from 0 to 2; it is ${JSON.stringify(wrong)}.`)
  expect(() => read('--temperature', '1.5').number('temperature', { from: 1, to: 9, whole: true })).toThrow('a whole number from 1 to 9')
})
