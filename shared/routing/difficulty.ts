// How demanding a question looks, from its text alone: cheap signs, read in one pass over a part of it. No model is asked.

export interface DifficultySigns {
  characters: number
  /** Question marks, of all scripts that have one of their own. */
  questions: number
  /** Lines that look like a program's, and fences around them. */
  codeLines: number
  /** Signs of mathematics: formulas in TeX, and operators that prose does not use. */
  maths: number
  /** Scripts that more than a few letters are written in: a text in two of them is often to be translated or compared. */
  scripts: number
}

/** Of a longer text the beginning and the end are read: there stands what is asked, and it takes the same short time for any text. */
const READ = 20_000

const QUESTION = /[?？؟՞፧⁇]+/g
const FENCE = /^\s{0,3}(?:```|~~~)/
/** Ends of statements, signatures, arrows, tags, includes; prose ends its lines otherwise. */
const CODE_LINE =
  /[;{}]\s*$|^\s*(?:def|class|function|import|from|const|let|var|return|public|private|fn|func|#include|SELECT|INSERT|UPDATE|CREATE)\b.*[({:;=*'"]|=>|<\/?[a-z][\w-]*>/
const MATHS =
  /\\(?:frac|sum|int|sqrt|lim|begin|partial|infty|alpha|beta|theta|lambda|mathbb)(?![a-z])|[∑∫∂√∞≤≥≠≈∈∀∃∇⊂∪∩∏]|\$\$|[\w)]\s?\^\s?[\w({]/g

const SCRIPTS = [
  /\p{Script=Latin}/gu,
  /\p{Script=Cyrillic}/gu,
  /\p{Script=Greek}/gu,
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/gu,
  /\p{Script=Hangul}/gu,
  /\p{Script=Arabic}/gu,
  /\p{Script=Hebrew}/gu,
  /\p{Script=Devanagari}/gu,
  /\p{Script=Thai}/gu,
]
/** A name or a letter of a formula makes no second language. */
const FEW_LETTERS = 8

export function signsOf(text: string): DifficultySigns {
  const read = text.length <= 2 * READ ? text : `${text.slice(0, READ)}\n${text.slice(-READ)}`
  // A line of a program is short; of a longer one the beginning tells enough.
  const lines = read.split('\n').map(line => line.slice(0, 400).trimEnd())
  return {
    characters: text.length,
    questions: count(read, QUESTION),
    codeLines: lines.filter(line => FENCE.test(line) || CODE_LINE.test(line)).length,
    maths: count(read, MATHS),
    scripts: SCRIPTS.filter(script => count(read, script) >= FEW_LETTERS).length,
  }
}

/** At its most each sign gives so much; together they make 1. */
const WEIGHTS = { length: 0.25, code: 0.25, maths: 0.25, questions: 0.15, scripts: 0.1 }
/** From so many characters on length counts, and beyond so many no more: between them by each doubling. */
const SHORT = 250
const LONG = 8_000

/** 0: anybody could answer it; 1: for the best there is. A rule of thumb, which never falls when a sign grows. */
export function difficultyOf({ characters, questions, codeLines, maths, scripts }: DifficultySigns): number {
  const length = characters <= SHORT ? 0 : Math.min(1, Math.log2(characters / SHORT) / Math.log2(LONG / SHORT))
  const score =
    WEIGHTS.length * length +
    WEIGHTS.code * upTo(codeLines, 3) +
    WEIGHTS.maths * upTo(maths, 2) +
    WEIGHTS.questions * upTo(questions - 1, 3) +
    WEIGHTS.scripts * upTo(scripts - 1, 1)
  return Math.min(1, score)
}

const upTo = (found: number, most: number): number => Math.min(1, Math.max(0, found) / most)
const count = (text: string, sign: RegExp): number => text.match(sign)?.length ?? 0
