import { adminRoutes } from '@fusion/shared/contract/cloud/admin.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import { Id } from '@fusion/shared/contract/ids.ts'
import type { FastifyInstance } from 'fastify'
import { Value } from 'typebox/value'
import { keyIsOf, listApiKeysOfOrganisation } from '../../database/api-keys.ts'
import type { Queryable } from '../../database/connection.ts'
import { changeOrganisation, findOrganisation } from '../../database/organisations.ts'
import { type Budget, listBudgets, setBudget } from '../../database/budgets.ts'
import { findPolicy, setPolicy } from '../../database/policies.ts'
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
  {
    database,
    identity,
    apiKeys,
    audit,
    models,
    rules,
    answers,
    clock,
  }: Pick<Parts, 'database' | 'identity' | 'apiKeys' | 'audit' | 'models' | 'rules' | 'answers' | 'clock'>,
): Promise<void> {
  /** What is changed holds for the next request. */
  async function changing<T>(organisationId: string, work: (tx: Queryable) => Promise<T>): Promise<T> {
    try {
      return await database.transaction(work)
    } finally {
      rules.forget(organisationId)
    }
  }

  serve(app, adminRoutes.organisation, async ({ caller }) => {
    const organisation = await findOrganisation(database, caller.organisationId)
    if (!organisation) throw failure('not-found')
    return organisation
  })

  serve(app, adminRoutes.changeOrganisation, async ({ caller, body, request }) =>
    changing(caller.organisationId, async tx => {
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
    changing(caller.organisationId, async tx => {
      const { organisationId, userId: actorId } = caller
      await setPolicy(tx, organisationId, body)
      await setBudget(tx, organisationId, { whose: 'organisation', of: null, tokensAMonth: body.budgets.organisation })
      await setBudget(tx, organisationId, { whose: 'each-person', of: null, tokensAMonth: body.budgets.eachPerson })
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
    changing(caller.organisationId, async tx => {
      const { organisationId, userId: actorId } = caller
      const person = await findUser(tx, params.user)
      if (person?.organisationId !== organisationId) throw failure('not-found')
      await setBudget(tx, organisationId, { whose: 'person', of: person.id, tokensAMonth: tokens })
      await audit.write(
        { event: 'budget-change', organisationId, actorId, subjectId: person.id, address: request.ip, detail: { tokens } },
        tx,
      )
    }),
  )

  serve(app, adminRoutes.budgets, async ({ caller }) => ({ budgets: await listBudgets(database, caller.organisationId) }))

  serve(app, adminRoutes.putBudget, async ({ caller, body, request }) =>
    changing(caller.organisationId, async tx => {
      const { organisationId, userId: actorId } = caller
      const subjectId = await subjectOf(tx, organisationId, body)
      await setBudget(tx, organisationId, body)
      const { whose, tokensAMinute, tokensAMonth, moneyAMonth } = body
      const detail = { whose, tokensAMinute, tokensAMonth, moneyAMonth }
      await audit.write({ event: 'budget-change', organisationId, actorId, subjectId, address: request.ip, detail }, tx)
      return { budgets: await listBudgets(tx, organisationId) }
    }),
  )

  serve(app, adminRoutes.forgetAnswers, async ({ caller, request }) => {
    const { organisationId, userId: actorId } = caller
    const forgotten = await answers.purge(organisationId)
    const detail = { forgotten }
    await audit.write({ event: 'answers-forget', organisationId, actorId, subjectId: organisationId, address: request.ip, detail })
    return { forgotten }
  })

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

/** Whom a budget is of: a person or key of this organisation, or itself. Throws `not-found` for anybody else's, `bad-input` where nobody is named. */
async function subjectOf(tx: Queryable, organisationId: string, { whose, of }: Budget): Promise<string> {
  const names = whose === 'person' || whose === 'key' || whose === 'model'
  if (names !== (of !== null)) throw failure('bad-input')
  if (whose === 'person') {
    const person = Value.Check(Id, of) ? await findUser(tx, of) : undefined
    if (person?.organisationId !== organisationId) throw failure('not-found')
    return person.id
  }
  if (whose === 'key') {
    if (!Value.Check(Id, of) || !(await keyIsOf(tx, organisationId, of))) throw failure('not-found')
    return of
  }
  return organisationId
}
