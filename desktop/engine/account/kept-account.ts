import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { KeptIn } from '@fusion/shared/contract/account.ts'
import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { openKeychain, type SecretPlace } from './keychain.ts'
import { openSecretFile, writeWhole } from './secret-file.ts'

/** Who is signed in where: nothing of it is secret. `person` null: signed out, and the address is offered again. */
const Kept = Type.Object({
  address: Type.String(),
  person: Type.Union([
    Type.Object({ email: Type.String(), name: Type.String(), organisation: Type.String(), keptIn: KeptIn }),
    Type.Null(),
  ]),
})
export type Kept = Static<typeof Kept>

const readable = Compile(Kept)

export interface KeptAccount {
  read(): Promise<Kept | undefined>
  write(kept: Kept): Promise<void>
  secret(keptIn: KeptIn): SecretPlace
  /** Keeps a first secret: in the keychain, or where there is none in the file. */
  keepSecret(secret: string): Promise<KeptIn>
}

/** What the sign-in leaves on this computer: one account for a data folder. */
export function openKeptAccount(folder: string, keychain: SecretPlace = openKeychain(folder)): KeptAccount {
  const file = join(folder, 'account.json')
  const places = { keychain, file: openSecretFile(folder) }
  return {
    async read() {
      try {
        const kept: unknown = JSON.parse(await readFile(file, 'utf8'))
        return readable.Check(kept) ? kept : undefined
      } catch {
        return undefined
      }
    },
    write: kept => writeWhole(file, JSON.stringify(kept)),
    secret: keptIn => places[keptIn],
    async keepSecret(secret) {
      try {
        await keychain.write(secret)
        return 'keychain'
      } catch {
        await places.file.write(secret)
        return 'file'
      }
    },
  }
}
