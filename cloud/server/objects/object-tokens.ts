// What S3 does by signed addresses, for objects in a folder: a token says what may be done with one object, until when.
import { createHmac, timingSafeEqual } from 'node:crypto'
import { Hash } from '@fusion/shared/contract/ids.ts'
import { objectRoutes } from '@fusion/shared/contract/cloud/objects.ts'
import { Type, type Static } from 'typebox'
import { Value } from 'typebox/value'
import type { Clock } from '../clock.ts'

const Claim = Type.Union([
  Type.Object({ method: Type.Literal('GET'), key: Type.String() }),
  Type.Object({
    method: Type.Literal('PUT'),
    key: Type.String(),
    info: Type.Object({ size: Type.Integer({ minimum: 0 }), sha256: Hash, contentType: Type.String() }),
  }),
])
export type Claim = Static<typeof Claim>
const Dated = Type.Object({ claim: Claim, until: Type.Integer() })

export interface ObjectTokens {
  /** The address with the token in it. */
  make(claim: Claim, seconds: number): string
  /** undefined where it is none of ours, or its time is over. */
  read(token: string): Claim | undefined
}

export function createObjectTokens({ key, publicUrl, clock }: { key: Buffer; publicUrl: () => string; clock: Clock }): ObjectTokens {
  const sign = (text: string) => createHmac('sha256', key).update(text).digest()
  return {
    make(claim, seconds) {
      const text = Buffer.from(JSON.stringify({ claim, until: clock() + seconds * 1000 })).toString('base64url')
      return `${publicUrl()}${objectRoutes.getObject.path}?token=${text}.${sign(text).toString('base64url')}`
    },
    read(token) {
      const [text = '', signature = ''] = token.split('.')
      const given = Buffer.from(signature, 'base64url')
      const right = sign(text)
      if (given.length !== right.length || !timingSafeEqual(given, right)) return undefined
      const dated: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
      return Value.Check(Dated, dated) && clock() < dated.until ? dated.claim : undefined
    },
  }
}
