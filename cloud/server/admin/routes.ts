import { adminRoutes } from '@fusion/shared/contract/cloud/admin.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import type { FastifyInstance } from 'fastify'
import { listApiKeysOfOrganisation } from '../../database/api-keys.ts'
import { changeOrganisation, findOrganisation } from '../../database/organisations.ts'
import { findPolicy, setBudget, setPolicy } from '../../database/policies.ts'
import { findRoutingRules, setRoutingRules } from '../../database/routing-rules.ts'
import { findUser } from '../../database/users.ts'
import { serve } from '../http/serve-route.ts'
import type { Parts } from '../parts.ts'
import { actorOf } from '../security/actor.ts'
import { apiKeyEntry } from '../security/api-key-routes.ts'

const PAGE = 200

/** What admins do in their organisation. Each is asked of the organisation of whoever calls, whatever id stands in the path. */
export async function admin(
  app: FastifyInstance,
  { database, identity, apiKeys, audit, models, clock }: Pick<Parts, 'database' | 'identity' | 'apiKeys' | 'audit' | 'models' | 'clock'>,
): Promise<void> {
  serve(app, adminRoutes.organisation, async ({ caller }) => {
    const organisation = await findOrganisation(database, caller.organisationId)
    if (!organisation) throw failure('not-found')
    return organisation
  })

  serve(app, adminRoutes.changeOrganisation, async ({ caller, body, request }) =>
    database.transaction(async tx => {
      const { organisationId, userId: actorId } = caller
      const changed = await changeOrganisation(tx, organisationId, body)
      if (!changed) throw failure('not-found')
      const detail = { name: body.name !== undefined, systemPrompt: body.systemPrompt !== undefined }
      await audit.write(
        { event: 'organisation-change', organisationId, actorId, subjectId: organisationId, address: request.ip, detail },
        tx,
      )
      return changed
    }),
  )

  serve(app, adminRoutes.policy, async ({ caller }) => findPolicy(database, caller.organisationId))

  serve(app, adminRoutes.setPolicy, async ({ caller, body, request }) =>
    database.transaction(async tx => {
      const { organisationId, userId: actorId } = caller
      await setPolicy(tx, organisationId, body)
      await setBudget(tx, { organisationId, whose: 'organisation', tokens: body.budgets.organisation })
      await setBudget(tx, { organisationId, whose: 'each-person', tokens: body.budgets.eachPerson })
      const detail = { models: body.models?.length ?? null, maskingRequired: body.maskingRequired, ...body.budgets }
      await audit.write({ event: 'policy-change', organisationId, actorId, subjectId: organisationId, address: request.ip, detail }, tx)
      return findPolicy(tx, organisationId)
    }),
  )

  serve(app, adminRoutes.routing, async ({ caller }) => findRoutingRules(database, caller.organisationId))

  serve(app, adminRoutes.setRouting, async ({ caller, body, request }) =>
    database.transaction(async tx => {
      const { organisationId, userId: actorId } = caller
      await setRoutingRules(tx, organisationId, body)
      const detail = { dearest: body.dearest, preferred: body.preferred.length }
      await audit.write({ event: 'routing-change', organisationId, actorId, subjectId: organisationId, address: request.ip, detail }, tx)
      return findRoutingRules(tx, organisationId)
    }),
  )

  serve(app, adminRoutes.setBudget, async ({ caller, params, body: { tokens }, request }) =>
    database.transaction(async tx => {
      const { organisationId, userId: actorId } = caller
      const person = await findUser(tx, params.user)
      if (person?.organisationId !== organisationId) throw failure('not-found')
      await setBudget(tx, { organisationId, whose: 'person', userId: person.id, tokens })
      await audit.write(
        { event: 'budget-change', organisationId, actorId, subjectId: person.id, address: request.ip, detail: { tokens } },
        tx,
      )
    }),
  )

  serve(app, adminRoutes.modelServers, async () => ({ servers: models.servers() }))

  serve(app, adminRoutes.signOutPerson, async ({ caller, params, request }) => {
    const { organisationId, userId: actorId } = caller
    const person = await findUser(database, params.user)
    if (person?.organisationId !== organisationId) throw failure('not-found')
    await identity.sessions.end({ userId: person.id })
    await audit.write({ event: 'sign-out-everywhere', organisationId, actorId, subjectId: person.id, address: request.ip })
  })

  serve(app, adminRoutes.apiKeys, async ({ caller, query }) => {
    const of = { organisationId: caller.organisationId, after: query.after, now: new Date(clock()) }
    const found = await listApiKeysOfOrganisation(database, { ...of, limit: PAGE + 1 })
    return {
      keys: found.slice(0, PAGE).map(key => ({ key: apiKeyEntry(key), owner: { id: key.userId, email: key.email } })),
      more: found.length > PAGE,
    }
  })

  serve(app, adminRoutes.revokeApiKey, async ({ caller, params, request }) =>
    apiKeys.revoke(actorOf(caller, request), params.key, { anybodys: true }),
  )
}
