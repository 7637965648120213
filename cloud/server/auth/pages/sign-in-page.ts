import type { Failure } from '@fusion/shared/rpc/failure.ts'
import type { SignInMethod } from '../sign-in-method.ts'
import { field, hidden, note } from './fields.ts'
import { html, type Html } from './html.ts'
import type { Page } from './page.ts'

export interface SignInPage {
  purpose: string
  /** Shows that this page's form was sent by this page. */
  form: string
  /** Null: nobody here has a password; providers alone let people in. */
  local: { email: string } | null
  methods: readonly SignInMethod[]
  failed: Failure | null
}

export function signInPage(
  page: SignInPage,
  { deviceName, host, cancel, redirectUri }: { deviceName: string; host: string; cancel: string; redirectUri: string },
): Page {
  return {
    title: 'Sign in to Fusion',
    leadsTo: redirectUri,
    body: html`
      <h1>Sign in</h1>
      <p class="lead">to use the cloud at <b>${host}</b> with ${deviceName}.</p>
      ${waysIn(page, 'Sign in')}
      <p class="quiet"><a href="${cancel}">Not now</a></p>
    `,
  }
}

/** Somebody who did not begin this is asked to do so by a stranger: so the page says what it does, and refusing is as near as allowing. */
export function confirmDevicePage(
  page: SignInPage,
  { deviceName, userCode, host }: { deviceName: string; userCode: string; host: string },
): Page {
  return {
    title: 'Allow a device',
    body: html`
      <h1>Allow this device?</h1>
      <p class="lead">
        <b>${deviceName}</b> will use the cloud at <b>${host}</b> as you. Go on only if you began this, and it shows this code:
      </p>
      <output class="code">${userCode}</output>
      ${waysIn(page, 'Sign in and allow')}
      <form class="beside" method="post" action="/oauth/device/refuse">
        ${hidden('form', page.form)} ${hidden('user_code', userCode)}
        <button>Don’t allow</button>
      </form>
    `,
  }
}

export function typeCodePage(failed: Failure | null): Page {
  return {
    title: 'Allow a device',
    body: html`
      <h1>Allow a device</h1>
      <p class="lead">Type the code that the device shows.</p>
      ${note(failed)}
      <form method="get" action="/oauth/device">
        <label>
          Code
          <input
            class="code"
            name="user_code"
            required
            autofocus
            autocomplete="off"
            autocapitalize="characters"
            spellcheck="false"
            maxlength="40"
            placeholder="XXXX-XXXX"
          />
        </label>
        <button class="main">Go on</button>
      </form>
    `,
  }
}

/** When there is nothing more to do here. */
export function lastPage(title: string, words: string): Page {
  return {
    title,
    body: html`
      <h1>${title}</h1>
      <p class="lead">${words}</p>
    `,
  }
}

function waysIn({ purpose, form, local, methods, failed }: SignInPage, action: string): Html {
  const buttons =
    methods.length > 0 &&
    html`<div class="methods">
      ${methods.map(({ name, href }) => html`<a class="button" href="${href(purpose)}">Continue with ${name}</a>`)}
    </div>`
  return html`
    ${note(failed)} ${buttons} ${buttons && local && html`<p class="or">or</p>`}
    ${
      local &&
      html`<form method="post" action="/oauth/sign-in">
        ${hidden('form', form)} ${hidden('purpose', purpose)}
        ${field({ label: 'E-mail', name: 'email', type: 'email', autocomplete: 'username', value: local.email, first: local.email === '' })}
        ${field({ label: 'Password', name: 'password', type: 'password', autocomplete: 'current-password', first: local.email !== '' })}
        <button class="main">${action}</button>
      </form>`
    }
  `
}
