import { Type, type Static } from 'typebox'
import { Conversation } from '../chat/conversation.ts'
import { Message } from '../chat/message.ts'
import { Id } from '../contract/ids.ts'

export const SearchHit = Type.Object({
  conversationId: Id,
  conversationTitle: Type.String(),
  /** null: the title itself matched. */
  messageId: Type.Union([Id, Type.Null()]),
  role: Type.Union([Message.properties.role, Type.Null()]),
  at: Type.Integer(),
  life: Conversation.properties.life,
  /** The neighbourhood of the first match, cut into hit and not hit. */
  snippet: Type.Array(Type.Object({ text: Type.String(), hit: Type.Boolean() })),
})
export type SearchHit = Static<typeof SearchHit>
