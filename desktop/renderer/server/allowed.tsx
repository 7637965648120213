import type { Settings } from '@fusion/shared/contract/settings.ts'
import { X } from 'lucide-react'
import { useId, useRef, useState } from 'react'
import { ask, fusion } from '../state/fusion.ts'
import { type Read, readHost, readOrigin } from './read-allowed.ts'

/** Who else may come: most programs need neither list. */
export function Allowed({ settings: { apiOrigins, apiHosts } }: { settings: Settings }) {
  return (
    <section aria-label="Who else may come">
      <h2>Who else may come</h2>
      <AllowedList
        label="Web pages"
        hint="Programs need no entry. Pages and extensions of a browser do, besides their key."
        placeholder="http://localhost:3000"
        entries={apiOrigins}
        read={readOrigin}
        onChange={origins => ask(fusion.settings.set({ apiOrigins: origins }))}
      />
      <AllowedList
        label="Other names of this computer"
        hint="For programs that reach it by another name than localhost, such as from a container."
        placeholder="host.docker.internal"
        entries={apiHosts}
        read={readHost}
        onChange={hosts => ask(fusion.settings.set({ apiHosts: hosts }))}
      />
    </section>
  )
}

interface AllowedListProps {
  label: string
  hint: string
  placeholder: string
  entries: readonly string[]
  read: (typed: string) => Read
  onChange: (entries: string[]) => void
}

/** As many as the contract takes. */
const MOST = 50

/** A short list to add to and take from. */
function AllowedList({ label, hint, placeholder, entries, read, onChange }: AllowedListProps) {
  const id = useId()
  const field = useRef<HTMLInputElement>(null)
  const [typed, setTyped] = useState('')
  const [problem, setProblem] = useState<string | null>(null)
  const add = () => {
    const found = read(typed)
    if ('problem' in found) return setProblem(found.problem)
    if (entries.includes(found.value)) return setProblem(`${found.value} is in the list.`)
    if (entries.length >= MOST) return setProblem('Fifty are the most: take one away first.')
    onChange([...entries, found.value])
    setTyped('')
  }
  return (
    <div className="allowed">
      <label htmlFor={id}>{label}</label>
      <small id={`${id}-hint`}>{hint}</small>
      {entries.length > 0 && (
        <ul className="rows" aria-label={label}>
          {entries.map(entry => (
            <li key={entry}>
              <code>{entry}</code>
              <button
                type="button"
                className="icon small"
                aria-label={`Take away ${entry}`}
                onClick={() => {
                  onChange(entries.filter(other => other !== entry))
                  field.current?.focus()
                }}
              >
                <X size={15} strokeWidth={1.8} aria-hidden />
              </button>
            </li>
          ))}
        </ul>
      )}
      <form
        onSubmit={event => {
          event.preventDefault()
          if (typed.trim() !== '') add()
        }}
      >
        <input
          ref={field}
          id={id}
          value={typed}
          placeholder={placeholder}
          maxLength={300}
          spellCheck={false}
          autoCapitalize="none"
          aria-invalid={problem !== null}
          aria-describedby={`${id}-hint ${id}-problem`}
          onChange={event => {
            setTyped(event.target.value)
            setProblem(null)
          }}
        />
        <button type="submit" className="button" aria-label={`Add to ${label}`} disabled={typed.trim() === ''}>
          Add
        </button>
      </form>
      <small id={`${id}-problem`} className="wrong" role="status">
        {problem}
      </small>
    </div>
  )
}
