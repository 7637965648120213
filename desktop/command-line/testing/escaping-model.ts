import { readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { addEndlessModel } from '../../../models/guide/testing/endless-model.ts'

// Vocabularies by bytes write the space as Ġ, and the byte that begins an escape sequence as ě: two bytes that begin alike.
const FIRST = 0xc4
const SPACE = 0xa0
const ESCAPE = 0x9b

/** The model that does not end, with ESC in its vocabulary where the space was: it writes an escape sequence before each word. */
export function addEscapingModel(home: string): void {
  const path = addEndlessModel(home)
  const file = readFileSync(path)
  const vocabularyEnd = file.indexOf('token_embd.weight')
  for (let at = 1; at < vocabularyEnd; at++) {
    if (file[at - 1] !== FIRST) continue
    if (file[at] === SPACE) file[at] = ESCAPE
    else if (file[at] === ESCAPE) file[at] = SPACE
  }
  writeFileSync(path, file)
  utimesSync(path, 0, 0)
}
