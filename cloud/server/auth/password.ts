import { hash, verify } from '@node-rs/argon2'
import { failure } from '@fusion/shared/contract/failures.ts'

/** argon2id with 19 MiB and two passes: what OWASP asks for at least. About 30 ms of one core. */
const ARGON2 = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const
/** Hashing shares four threads with file and DNS work, and takes 19 MiB each: two at once, and a line that is not endless. */
const AT_ONCE = 2
const WAITING = 200

export interface Passwords {
  hash(password: string): Promise<string>
  /** `kept` null: there is nothing that it could be; that takes as long as any other. */
  matches(password: string, kept: string | null): Promise<boolean>
}

export function createPasswords(): Passwords {
  let running = 0
  const waiting: (() => void)[] = []
  // Of a password that nobody has: what is compared where there is no account, so that the time does not tell.
  let decoy: Promise<string> | undefined

  async function inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (running >= AT_ONCE) {
      if (waiting.length >= WAITING) throw failure('overloaded')
      await new Promise<void>(resolve => waiting.push(resolve))
    } else running++
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else running--
    }
  }

  return {
    hash: password => inTurn(() => hash(normal(password), ARGON2)),
    async matches(password, kept) {
      decoy ??= hash(crypto.randomUUID(), ARGON2)
      const against = kept ?? (await decoy)
      const same = await inTurn(() => verify(against, normal(password)))
      return kept !== null && same
    },
  }
}

/** The same letters are the same password, however a keyboard composes them. */
const normal = (password: string) => password.normalize('NFKC')
