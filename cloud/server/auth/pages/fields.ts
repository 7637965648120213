import { sentence } from '@fusion/shared/contract/failures.ts'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import { html, type Html } from './html.ts'

/** What went wrong, where the person looks. Null: nothing did. */
export function note(failed: Failure | null): Html | null {
  if (!failed) return null
  const { what, next } = sentence(Failure.toBody(failed))
  return html`<p class="note" role="alert">${what} ${next}</p>`
}

export const hidden = (name: string, value: string): Html => html`<input type="hidden" name="${name}" value="${value}" />`

export interface Field {
  label: string
  name: string
  type?: 'text' | 'email' | 'password'
  autocomplete: string
  hint?: string
  value?: string
  readOnly?: boolean
  first?: boolean
}

export function field({ label, name, type = 'text', autocomplete, hint, value = '', readOnly = false, first = false }: Field): Html {
  const plain = type === 'text' ? null : html`autocapitalize="none" spellcheck="false"`
  return html`<label>
    ${label}
    <input
      name="${name}"
      type="${type}"
      autocomplete="${autocomplete}"
      value="${value}"
      required
      ${plain}
      ${readOnly && html`readonly`}
      ${first && html`autofocus`}
    />
    ${hint !== undefined && html`<small>${hint}</small>`}
  </label>`
}
