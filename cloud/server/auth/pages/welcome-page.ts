import type { Failure } from '@fusion/shared/rpc/failure.ts'
import { PASSWORD_CHARACTERS } from '../local-accounts.ts'
import { field, hidden, note } from './fields.ts'
import { html } from './html.ts'
import type { Page } from './page.ts'

export interface WelcomePage {
  code: string
  form: string
  /** Null: of the first admin, who names it. */
  organisationName: string | null
  /** Null: the person says it. */
  invitedEmail: string | null
  typed: { organisation?: string; name?: string; email?: string }
  failed: Failure | null
}

export function welcomePage({ code, form, organisationName, invitedEmail, typed, failed }: WelcomePage): Page {
  const first = organisationName === null
  return {
    title: 'Welcome to Fusion',
    body: html`
      <h1>${first ? 'Set up this cloud' : `Join ${organisationName}`}</h1>
      <p class="lead">${first ? 'You are its first admin.' : 'Make your account, then sign in from the app.'}</p>
      ${note(failed)}
      <form method="post" action="/welcome">
        ${hidden('code', code)} ${hidden('form', form)}
        ${first && field({ label: 'Organisation', name: 'organisation', autocomplete: 'organization', value: typed.organisation ?? '', first: !failed })}
        ${field({ label: 'Your name', name: 'name', autocomplete: 'name', value: typed.name ?? '', first: !first && !failed })}
        ${field({
          label: 'E-mail',
          name: 'email',
          type: 'email',
          autocomplete: 'username',
          value: invitedEmail ?? typed.email ?? '',
          readOnly: invitedEmail !== null,
        })}
        ${field({
          label: 'Password',
          name: 'password',
          type: 'password',
          autocomplete: 'new-password',
          hint: `${PASSWORD_CHARACTERS} characters or more.`,
          // Whatever went wrong, the password has to be typed again.
          first: failed !== null,
        })}
        <button class="main">${first ? 'Set up' : 'Join'}</button>
      </form>
    `,
  }
}
