import type { Static, TSchema } from 'typebox'

export interface Call<I extends TSchema, O extends TSchema> {
  kind: 'call'
  input: I
  output: O
}
export interface Stream<I extends TSchema, O extends TSchema> {
  kind: 'stream'
  input: I
  output: O
}
export type Contract = Record<string, Record<string, Call<TSchema, TSchema> | Stream<TSchema, TSchema>>>

/** One question, one answer. */
export const call = <I extends TSchema, O extends TSchema>(input: I, output: O): Call<I, O> => ({ kind: 'call', input, output })
/** One question, any number of items, then an end. */
export const stream = <I extends TSchema, O extends TSchema>(input: I, item: O): Stream<I, O> => ({ kind: 'stream', input, output: item })

export type Options = { signal?: AbortSignal | undefined }

/** What `connect` gives: a promise for each call, an async iterator for each stream. */
export type Client<C extends Contract> = {
  [G in keyof C]: {
    [M in keyof C[G]]: (
      input: Static<C[G][M]['input']>,
      options?: Options,
    ) => C[G][M]['kind'] extends 'stream' ? AsyncGenerator<Static<C[G][M]['output']>, void, void> : Promise<Static<C[G][M]['output']>>
  }
}

/** What `serve` wants: the same, with a signal that aborts when the caller cancels or goes away. */
export type Handlers<C extends Contract> = {
  [G in keyof C]: {
    [M in keyof C[G]]: (
      input: Static<C[G][M]['input']>,
      signal: AbortSignal,
    ) => C[G][M]['kind'] extends 'stream' ? AsyncIterable<Static<C[G][M]['output']>> : Promise<Static<C[G][M]['output']>>
  }
}
