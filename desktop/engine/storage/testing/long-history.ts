import type { Message } from '@fusion/shared/chat/message.ts'
import type { Storage } from '../storage.ts'

/** Words of a language as people use them: the first ones very often, the last ones hardly ever. */
interface Language {
  share: number
  words: string[]
  between: string
}

/** Messages in one transaction. */
const BATCH = 1000
/** Chats that are written in at the same time. */
const OPEN = 20
const BEGINNING = Date.UTC(2021, 0, 1)
/** Between two messages, ms: a million in five years. */
const APART = 157_000

interface HistoryFolders {
  /** Every fortieth chat lies in it. */
  small: string
  /** Every third chat lies in it. */
  large: string
}

/**
 * Writes messages of several languages into chats and folders, as years of use would leave them. The same numbers give the same history;
 * `from` goes on where an earlier call ended. One message in 50,000 says `seldom`.
 */
export function writeHistory(storage: Storage, from: number, to: number): void {
  const folders = foldersOf(storage)
  for (let at = from; at < to; at += BATCH) {
    storage.atomically(() => {
      for (let number = at; number < Math.min(to, at + BATCH); number++) writeMessage(storage, folders, number)
    })
  }
}

/** How many messages of it are there. */
export function countHistory(storage: Storage): number {
  let [there, beyond] = [0, 1]
  const isThere = (count: number) => storage.messages.get(idOf(1, count - 1)) !== undefined
  while (isThere(beyond)) [there, beyond] = [beyond, beyond * 2]
  while (beyond - there > 1) {
    const middle = Math.floor((there + beyond) / 2)
    if (isThere(middle)) there = middle
    else beyond = middle
  }
  return there
}

export function foldersOf(storage: Storage): HistoryFolders {
  const named = (name: string) => storage.folders.all().find(folder => folder.name === name)?.id ?? storage.folders.add(name).id
  return { small: named('Small'), large: named('Large') }
}

/** Turns of a chat: question, answer, question, answer. Twenty chats go on side by side, then the next twenty begin. */
function writeMessage(storage: Storage, folders: HistoryFolders, number: number): void {
  const random = randomFrom(number)
  const length = 40
  const group = Math.floor(number / (OPEN * length))
  const chat = group * OPEN + (number % OPEN)
  const turn = Math.floor((number % (OPEN * length)) / OPEN)
  const language = languageOf(chat)
  const conversationId = idOf(0, chat)
  const createdAt = BEGINNING + number * APART
  if (turn === 0) {
    const folderId = chat % 40 === 0 ? folders.small : chat % 3 === 0 ? folders.large : null
    storage.conversations.create({ id: conversationId, title: sentence(language, random, 4), folderId })
  }
  const isQuestion = turn % 2 === 0
  const words = isQuestion ? 5 + Math.floor(random() * 40) : 40 + Math.floor(random() ** 2 * 400)
  const text = sentence(language, random, words) + (number % 50_000 === 77 ? ' seldom' : '')
  const message: Message = {
    id: idOf(1, number),
    conversationId,
    parentId: turn === 0 ? null : idOf(1, number - OPEN),
    role: isQuestion ? 'user' : 'assistant',
    parts: [{ type: 'text', text }],
    status: 'complete',
    segments: [],
    finishReason: isQuestion ? null : 'stop',
    failure: null,
    leftOut: null,
    createdAt,
  }
  storage.messages.add(message)
  if (turn === length - 1) storage.conversations.setHead(conversationId, message.id)
}

/** A UUIDv7 that says what it belongs to. */
function idOf(kind: number, number: number): string {
  const time = (BEGINNING + number * APART).toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${kind}00-8000-${number.toString(16).padStart(12, '0')}`
}

function languageOf(chat: number): Language {
  const at = randomFrom(chat * 7 + 3)()
  let sum = 0
  return languages.find(({ share }) => (sum += share) > at) ?? languages[0]!
}

function sentence({ words, between }: Language, random: () => number, count: number): string {
  return Array.from({ length: count }, () => words[Math.floor(words.length ** random()) - 1]).join(between)
}

/** Lehmer's generator after a mixing of the seed: numbers from 0 to 1. */
function randomFrom(seed: number): () => number {
  let state = (Math.imul(seed ^ 0x5bd1e995, 0x27d4eb2d) >>> 1) | 1
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}

function madeWords(common: string, count: number, seed: number, syllables: readonly string[]): string[] {
  const random = randomFrom(seed)
  const syllable = () => syllables[Math.floor(random() * syllables.length)]!
  const words = new Set(common.split(' '))
  while (words.size < count) words.add(Array.from({ length: 2 + Math.floor(random() * 3) }, syllable).join(''))
  return [...words]
}

function charactersOf(from: number, count: number): string[] {
  return Array.from({ length: count }, (_, index) => String.fromCodePoint(from + index))
}

function syllablesOf(consonants: string, vowels: string): string[] {
  return Array.from(consonants).flatMap(consonant => Array.from(vowels, vowel => consonant + vowel))
}

const latin = syllablesOf('bcdfghklmnprstvwz', 'aeiou')
const languages: readonly Language[] = [
  { share: 0.55, between: ' ', words: madeWords('the of and to in is that for it with as green tea water model', 80_000, 1, latin) },
  { share: 0.15, between: ' ', words: madeWords('der die und in zu den das nicht von sie schöne grüße', 60_000, 2, latin) },
  { share: 0.15, between: '', words: madeWords('的 是 不 我们 中国 一个 可以 这个 没有 什么 北京', 30_000, 3, charactersOf(0x4e00, 3000)) },
  { share: 0.07, between: ' ', words: madeWords('и в не на что я с он как', 40_000, 4, syllablesOf('бвгдклмнпрст', 'аеиоу')) },
  { share: 0.04, between: '', words: madeWords('です ます から こと これ', 20_000, 5, charactersOf(0x3042, 80)) },
  { share: 0.04, between: ' ', words: madeWords('في من على إلى أن', 30_000, 6, charactersOf(0x628, 34)) },
]
