import { expect, test } from 'vitest'
import { createStopStrings } from './stop-strings.ts'

test('no character is cut in two, wherever a stop string might begin', () => {
  for (const stop of ['E', 'EN', 'END', '😀!']) {
    const strings = createStopStrings([stop])
    const told = Array.from({ length: 6 }, () => strings.take('😀').text)
    expect([stop, told.every(text => text.isWellFormed())]).toEqual([stop, true])
    expect([stop, told.join('') + strings.end()]).toEqual([stop, '😀'.repeat(6)])
  }
})
