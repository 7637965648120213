import { randomInt } from 'node:crypto'

/** Consonants that are not mistaken for each other, and spell no word (RFC 8628, section 6.1): eight of them are 34 bits. */
const LETTERS = 'BCDFGHJKLMNPQRSTVWXZ'
const LENGTH = 8
const FORM = new RegExp(`^[${LETTERS}]{${LENGTH}}$`)

/** As a person reads it from one screen and types it on another: `BCDF-GHJK`. */
export const makeUserCode = (): string => written(Array.from({ length: LENGTH }, () => LETTERS[randomInt(LETTERS.length)]).join(''))

/** What a person typed, as it is kept; undefined where it can be no code. */
export function readUserCode(typed: string): string | undefined {
  const letters = typed.toUpperCase().replaceAll(/[\s-]/g, '')
  return FORM.test(letters) ? written(letters) : undefined
}

const written = (letters: string) => `${letters.slice(0, LENGTH / 2)}-${letters.slice(LENGTH / 2)}`
