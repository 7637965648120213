// The only file that knows the system's keychain.
import { AsyncEntry } from '@napi-rs/keyring'

/** A place for one secret. */
export interface SecretPlace {
  /** undefined: there is none. */
  read(): Promise<string | undefined>
  /** Resolves when it is kept, in the place of the one before. */
  write(secret: string): Promise<void>
  forget(): Promise<void>
}

/**
 * The keychain of macOS, the credentials of Windows, the Secret Service of Linux (not the kernel's keyring, which forgets at the next start
 * of the computer). Each call rejects where the system has none.
 */
export function openKeychain(name: string): SecretPlace {
  const entry = () => new AsyncEntry('Fusion', name, { linux: { store: 'secret-service' } })
  return {
    read: async () => (await entry().getPassword()) ?? undefined,
    write: secret => entry().setPassword(secret),
    forget: async () => void (await entry().deletePassword()),
  }
}
