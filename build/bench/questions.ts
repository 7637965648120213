// Questions of an exact length. Each of these words is one token of Qwen2's vocabulary, with a space before it and without.
const words = [
  'time',
  'people',
  'water',
  'house',
  'light',
  'music',
  'paper',
  'river',
  'table',
  'window',
  'letter',
  'school',
  'winter',
  'answer',
  'story',
  'bread',
]

/** What ChatML writes around one question: <|im_start|>user\n … <|im_end|>\n<|im_start|>assistant\n. */
const FRAME_TOKENS = 8

let asked = 0

/** A question whose whole prompt has `promptTokens` tokens, and which begins like no other of this process, so that no cache knows it. */
export function newQuestion(promptTokens: number): string {
  let seed = ++asked * 2_654_435_761
  const next = () => {
    seed = (Math.imul(seed ^ (seed >>> 15), 0x2c1b_3c6d) + asked) >>> 0
    return words[(seed >>> 8) % words.length]!
  }
  return Array.from({ length: promptTokens - FRAME_TOKENS }, next).join(' ')
}
