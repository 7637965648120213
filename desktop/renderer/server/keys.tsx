import type { ApiKey, ApiState } from '@fusion/shared/contract/api.ts'
import { useEffect, useId, useRef, useState } from 'react'
import { ask, fusion } from '../state/fusion.ts'
import { Confirm } from '../ui/confirm.tsx'
import { CopyButton } from '../ui/copy-button.tsx'
import { formatMoment } from '../ui/format.ts'
import { useToday } from '../ui/use-today.ts'
import { type FreshKey, NewKey } from './new-key.tsx'

interface KeysProps {
  api: ApiState
  fresh: FreshKey | null
  onFresh: (fresh: FreshKey | null) => void
}

/** The keys of programs: made here, shown once, revoked here. */
export function Keys({ api, fresh, onFresh }: KeysProps) {
  const { keys, environmentKey } = api
  const [making, setMaking] = useState(false)
  const [asked, setAsked] = useState<ApiKey | null>(null)
  const make = useRef<HTMLButtonElement>(null)
  // A key that was just made stands in the list at once, so that its row does not push the rest down a moment later.
  const listed = fresh && !keys.some(({ id }) => id === fresh.key.id) ? [...keys, fresh.key] : keys
  const none = listed.length === 0 && !environmentKey
  return (
    <section aria-label="Keys">
      <header>
        <h2>Keys</h2>
        <button
          ref={make}
          type="button"
          className={none ? 'button main' : 'button small'}
          aria-haspopup="dialog"
          onClick={() => setMaking(true)}
        >
          Make a key
        </button>
      </header>
      {none && <p className="empty">No program can use it yet. Make a key for the first one.</p>}
      {fresh && (
        <Fresh
          fresh={fresh}
          onDone={() => {
            onFresh(null)
            make.current?.focus()
          }}
        />
      )}
      <ul className="rows">
        {environmentKey && (
          <li>
            <span>
              <b>FUSION_API_KEY</b>
              <small>Set in the environment in which Fusion was started.</small>
            </span>
          </li>
        )}
        {listed.map(key => (
          <KeyRow key={key.id} apiKey={key} onRevoke={() => setAsked(key)} />
        ))}
      </ul>
      {making && <NewKey onMade={onFresh} onClose={() => setMaking(false)} />}
      {asked && (
        <Confirm
          title="Revoke this key?"
          action="Revoke"
          onConfirm={() => {
            ask(fusion.api.revokeKey({ id: asked.id }))
            if (fresh?.key.id === asked.id) onFresh(null)
          }}
          onClose={() => setAsked(null)}
        >
          Programs that use “{asked.name}” are refused from then on. A revoked key cannot be brought back; you can make another one.
        </Confirm>
      )}
    </section>
  )
}

function KeyRow({ apiKey: { name, hint, cloud, createdAt, usedAt }, onRevoke }: { apiKey: ApiKey; onRevoke: () => void }) {
  const today = useToday()
  return (
    <li>
      <span>
        <b>{name}</b>
        <small>
          <code>{hint}</code>
          <span>made {formatMoment(createdAt, today)}</span>
          <span>{usedAt === null ? 'never used' : `last used ${formatMoment(usedAt, today)}`}</span>
          {cloud && <span>may use cloud models</span>}
        </small>
      </span>
      <button type="button" className="button small" aria-label={`Revoke ${name}`} onClick={onRevoke}>
        Revoke
      </button>
    </li>
  )
}

/** The secret of a key that was just made. Escape does not put it away: it cannot be shown again. */
function Fresh({ fresh: { key, secret }, onDone }: { fresh: FreshKey; onDone: () => void }) {
  const id = useId()
  const note = useRef<HTMLDivElement>(null)
  // The dialog that made it gives the focus back to its button first.
  useEffect(() => note.current?.querySelector('button')?.focus(), [key.id])
  return (
    <div ref={note} className="note fresh" role="group" aria-labelledby={`${id}-name`} aria-describedby={`${id}-words`}>
      <p>
        <b id={`${id}-name`}>The key for {key.name}</b>{' '}
        <span id={`${id}-words`}>It is shown only now: copy it into the program. Fusion keeps no more of it than to know it again.</span>
      </p>
      <code>{secret}</code>
      <div className="go">
        <CopyButton text={() => secret} label="Copy the key" className="button small main" />
        <button type="button" className="button small" onClick={onDone}>
          Done
        </button>
      </div>
    </div>
  )
}
