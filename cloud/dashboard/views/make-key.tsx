import { apiKeyRoutes } from '@fusion/shared/contract/cloud/security.ts'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { call } from '../app/client.ts'
import { Section } from '../ui/section.tsx'

const DAY_MS = 24 * 3_600_000
const lives = { '30': '30 days', '90': '90 days', '365': 'A year', never: 'Until it is revoked' }

/** A key of one's own for a program. */
export function MakeKey() {
  const queries = useQueryClient()
  const [name, setName] = useState('')
  const [life, setLife] = useState<keyof typeof lives>('90')
  const make = useMutation({
    mutationFn: () =>
      call(apiKeyRoutes.makeApiKey, {
        body: { name: name.trim(), scopes: ['inference'], expiresAt: life === 'never' ? null : Date.now() + Number(life) * DAY_MS },
      }),
    onSuccess: () => setName(''),
    onSettled: () => queries.invalidateQueries({ queryKey: ['keys'] }),
  })
  return (
    <Section
      title="A key for a program"
      about={`Programs use ${location.origin}/v1 with it, as they would use OpenAI's API.`}
      failure={make.error}
    >
      <form
        className="line"
        onSubmit={event => {
          event.preventDefault()
          make.mutate()
        }}
      >
        <input
          required
          maxLength={100}
          aria-label="Name of the key"
          placeholder="What is it for?"
          value={name}
          onChange={event => setName(event.target.value)}
        />
        <select aria-label="How long it is good" value={life} onChange={event => setLife(event.target.value as keyof typeof lives)}>
          {Object.entries(lives).map(([value, words]) => (
            <option key={value} value={value}>
              {words}
            </option>
          ))}
        </select>
        <button className="button main" disabled={make.isPending || name.trim() === ''}>
          Make a key
        </button>
      </form>
      {make.data && (
        <output className="secret">
          <span>Copy it now: only its hash is kept.</span>
          <code>{make.data.secret}</code>
        </output>
      )}
    </Section>
  )
}
