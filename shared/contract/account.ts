// The account in the cloud, as the page sees it.
import { Type, type Static } from 'typebox'
import { FailureBody } from '../rpc/failure.ts'

const Nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) => Type.Union([schema, Type.Null()])

/** A model of the cloud that a chat can wish for. */
export const CloudModelEntry = Type.Object({
  /** `cloud:` and the cloud's name for it. */
  id: Type.String(),
  name: Type.String(),
  quantization: Nullable(Type.String()),
  windowTokens: Type.Integer(),
  state: Type.Union([Type.Literal('ready'), Type.Literal('asleep'), Type.Literal('down')]),
})
export type CloudModelEntry = Static<typeof CloudModelEntry>

/** Where the secret of the sign-in lies: with the system, or in a file of the data folder, where the system has no place for it. */
export const KeptIn = Type.Union([Type.Literal('keychain'), Type.Literal('file')])
export type KeptIn = Static<typeof KeptIn>

export const AccountState = Type.Object({
  /** null: nobody is signed in. */
  signedIn: Nullable(
    Type.Object({
      /** Origin of the cloud. */
      address: Type.String(),
      email: Type.String(),
      name: Type.String(),
      organisation: Type.String(),
      keptIn: KeptIn,
    }),
  ),
  /** The cloud that was used last. */
  lastAddress: Nullable(Type.String()),
  models: Type.Array(CloudModelEntry),
  /** Why the cloud can't be used now, or why nobody is signed in any more. */
  failure: Nullable(FailureBody),
})
export type AccountState = Static<typeof AccountState>

export const SignInWish = Type.Object({
  address: Type.String({ minLength: 1, maxLength: 2000 }),
  by: Type.Union([Type.Literal('browser'), Type.Literal('code')]),
})
export type SignInWish = Static<typeof SignInWish>

/** What a person has to do; the stream ends when it is done. */
export const SignInEvent = Type.Union([
  /** Opened in the browser of this computer. */
  Type.Object({ type: Type.Literal('address-given'), address: Type.String() }),
  /** Written into the page at `address`, on any device. */
  Type.Object({ type: Type.Literal('code-given'), code: Type.String(), address: Type.String() }),
])
export type SignInEvent = Static<typeof SignInEvent>
