import { Type } from 'typebox'
import { SearchHit } from '../../search/search-hit.ts'
import { route } from './route.ts'

export const searchRoutes = {
  search: route({
    method: 'GET',
    path: '/v1/search',
    access: { who: 'program', scope: 'history' },
    summary: 'Chats of the person who asks: by their titles first, then by messages, each the newest first.',
    query: Type.Object(
      {
        /** All words, in any place; those in double quotes side by side; the last one may still be under way. */
        q: Type.String({ minLength: 1, maxLength: 1000 }),
        /** Where to go on, as the page before said it. */
        before: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
        /** 20 where nothing is said. */
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
      },
      { additionalProperties: false },
    ),
    reply: Type.Object({
      hits: Type.Array(SearchHit),
      /** Null: there is no more. A page may have fewer hits than were asked for, and go on. */
      next: Type.Union([Type.String(), Type.Null()]),
      /** False: of a long history that was never searched before not all was read in yet. Asked again, more is found. */
      complete: Type.Boolean(),
    }),
  }),
}
