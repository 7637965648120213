import { Type } from 'typebox'
import { route } from './route.ts'

const page = { access: { who: 'anybody' }, replyType: 'text/html' } as const

/** The dashboard's own files. Whoever opens it signs in; the files themselves are no secret. */
export const dashboardRoutes = {
  bare: route({ method: 'GET', path: '/admin', summary: 'Leads to the dashboard.', statuses: [303], ...page }),
  page: route({ method: 'GET', path: '/admin/', summary: 'The dashboard.', ...page }),
  callback: route({
    method: 'GET',
    path: '/admin/callback',
    summary: 'Where the sign-in page sends the dashboard back to.',
    query: Type.Object({ code: Type.Optional(Type.String({ maxLength: 500 })), state: Type.Optional(Type.String({ maxLength: 500 })) }),
    ...page,
  }),
  asset: route({
    method: 'GET',
    path: '/admin/assets/{file}',
    access: { who: 'anybody' },
    summary: 'A file of the dashboard.',
    params: Type.Object({ file: Type.String({ minLength: 1, maxLength: 200 }) }),
    replyType: 'application/octet-stream',
  }),
}
