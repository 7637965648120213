import { Type } from 'typebox'
import { route } from './route.ts'

export const healthRoutes = {
  alive: route({
    method: 'GET',
    path: '/healthz',
    access: { who: 'anybody' },
    summary: 'Whether the process answers at all.',
    reply: Type.Object({ status: Type.Literal('alive') }),
  }),
}
