// What a model server refused: what was wrong with the request is the client's to read, without places of the server's; the rest is not.
import { WrongRequest } from '@fusion/shared/openai/failure.ts'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import type { OpenStream } from './open-stream.ts'
import { parseReply, readText } from './read-reply.ts'

export interface Refusal {
  message: string | null
  param: string | null
  code: string | null
}

/** Longer ones are not an error's. */
const MAX_ERROR = 65_536

const Told = Type.Object({
  error: Type.Object({
    message: Type.String({ maxLength: 2000 }),
    param: Type.Optional(Type.Union([Type.String({ maxLength: 200 }), Type.Null()])),
    code: Type.Optional(Type.Union([Type.String({ maxLength: 100 }), Type.Integer(), Type.Null()])),
  }),
})

/** The server's words where the request was at fault (400, 422); undefined for every other status. Reads no more of the answer than an error has. */
export async function refusalOf(answer: OpenStream): Promise<Refusal | undefined> {
  if (answer.statusCode !== 400 && answer.statusCode !== 422) {
    answer.letEnd()
    return undefined
  }
  try {
    const told = parseReply(await readText(answer, MAX_ERROR))
    if (!Value.Check(Told, told)) return unsaid
    const { message, param, code } = told.error
    return { message: withoutPlaces(message), param: param ?? null, code: typeof code === 'string' ? code : null }
  } catch {
    return unsaid
  }
}

export const wrongRequest = ({ message, param, code }: Refusal): WrongRequest =>
  new WrongRequest(message ?? 'The model server did not take this request.', { status: 400, param, code })

const unsaid: Refusal = { message: null, param: null, code: null }

/** Paths and addresses of the server's own are nobody's to read. */
const withoutPlaces = (words: string) => words.replaceAll(/https?:\/\/[^\s'"]+|(?:\/[\w.@-]+){2,}/g, '…')
