import { failure } from '@fusion/shared/contract/failures.ts'
import type { Database } from '../../database/connection.ts'
import { findPasswordHash, findUserByEmail, setPasswordHash, type User } from '../../database/users.ts'
import type { Clock } from '../clock.ts'
import { createPasswords } from './password.ts'
import { createSignInLimits } from './sign-in-limits.ts'

export const PASSWORD_CHARACTERS = 10

export interface LocalAccounts {
  /**
   * Who this is. Throws `sign-in-wrong` for a wrong password, an unknown address, and an account that is closed or has no password alike,
   * after the same work; `too-many-requests` where it has to wait.
   */
  signIn(of: { email: string; password: string; address: string }): Promise<User>
  /** Throws `password-short`. */
  hash(password: string): Promise<string>
  /** Throws `sign-in-wrong` where it is not the password, or there is none; `too-many-requests`. */
  confirm(of: { user: User; password: string; address: string }): Promise<void>
  /** Throws `sign-in-wrong` where `current` is not the password, `password-short`, `too-many-requests`. */
  changePassword(of: { user: User; current: string; next: string; address: string }): Promise<void>
}

export function createLocalAccounts({ database, clock }: { database: Database; clock: Clock }): LocalAccounts {
  const passwords = createPasswords()
  const limits = createSignInLimits({ database, clock })

  async function inLimits(account: string, address: string, right: () => Promise<boolean>): Promise<void> {
    const wait = await limits.begin({ account, address })
    if (wait > 0) throw failure('too-many-requests', { seconds: Math.ceil(wait / 1000) })
    if (!(await right())) throw failure('sign-in-wrong')
    await limits.succeeded({ account, address })
  }

  async function hash(password: string): Promise<string> {
    if (password.length < PASSWORD_CHARACTERS) throw failure('password-short', { characters: PASSWORD_CHARACTERS })
    return passwords.hash(password)
  }

  async function confirm({ user, password, address }: { user: User; password: string; address: string }): Promise<void> {
    const kept = await findPasswordHash(database, user.id)
    await inLimits(user.email, address, () => passwords.matches(password, kept))
  }

  return {
    async signIn({ email, password, address }) {
      const user = await findUserByEmail(database, email)
      await inLimits(email, address, async () => (await passwords.matches(password, user?.passwordHash ?? null)) && !user!.disabledAt)
      return user!
    },
    hash,
    confirm,
    async changePassword({ user, current, next, address }) {
      await confirm({ user, password: current, address })
      await setPasswordHash(database, user.id, await hash(next))
    },
  }
}
