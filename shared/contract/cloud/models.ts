import { Type, type Static } from 'typebox'
import { route } from './route.ts'

/** A model of the cloud, in the words of OpenAI's list, with what an app wants to show beside. */
export const CloudModel = Type.Object({
  id: Type.String(),
  object: Type.Literal('model'),
  created: Type.Integer(),
  owned_by: Type.String(),
  /** vLLM's name for the window, in tokens. */
  max_model_len: Type.Integer({ minimum: 1 }),
  fusion: Type.Object({
    name: Type.String(),
    quantization: Type.Union([Type.String(), Type.Null()]),
    /** `ready`: a server answers with it now; `asleep`: it has to be woken first; `down`: no server of it answers. */
    state: Type.Union([Type.Literal('ready'), Type.Literal('asleep'), Type.Literal('down')]),
  }),
})
export type CloudModel = Static<typeof CloudModel>

export const modelRoutes = {
  models: route({
    method: 'GET',
    path: '/v1/models',
    access: { who: 'program', scope: 'inference' },
    summary: 'The models that can be asked.',
    reply: Type.Object({ object: Type.Literal('list'), data: Type.Array(CloudModel) }),
  }),
  model: route({
    method: 'GET',
    path: '/v1/models/{model}',
    access: { who: 'program', scope: 'inference' },
    summary: 'One model.',
    params: Type.Object({ model: Type.String({ minLength: 1, maxLength: 200 }) }),
    reply: CloudModel,
  }),
}
