import type { ApiKey } from '@fusion/shared/contract/api.ts'
import { Failure, type FailureBody } from '@fusion/shared/rpc/failure.ts'
import { useState } from 'react'
import { ToggleField } from '../settings/fields.tsx'
import { fusion } from '../state/fusion.ts'
import { Dialog } from '../ui/dialog.tsx'
import { FailureLine } from '../ui/failure-line.tsx'

/** A key that was just made. This window alone knows its secret, and only until it is put away. */
export interface FreshKey {
  key: ApiKey
  secret: string
}

/** Asks what the key is for and what it may do, and makes it. */
export function NewKey({ onMade, onClose }: { onMade: (fresh: FreshKey) => void; onClose: () => void }) {
  const [name, setName] = useState('')
  const [cloud, setCloud] = useState(false)
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<FailureBody | null>(null)
  const make = async () => {
    setBusy(true)
    setProblem(null)
    try {
      onMade(await fusion.api.makeKey({ name: name.trim(), cloud }))
      onClose()
    } catch (error) {
      setProblem(Failure.toBody(error))
      setBusy(false)
    }
  }
  return (
    <Dialog title="Make a key" onClose={onClose} className="confirm">
      <form
        onSubmit={event => {
          event.preventDefault()
          if (name.trim() !== '' && !busy) void make()
        }}
      >
        <label className="field">
          Which program is it for?
          <input data-focus value={name} maxLength={100} placeholder="My editor" onChange={event => setName(event.target.value)} />
        </label>
        <ToggleField
          label="May use cloud models"
          hint="Off, what the program sends stays on this computer. On, it may also go to models in your cloud, in your name."
          value={cloud}
          onChange={setCloud}
        />
        {problem && <FailureLine failure={problem} />}
        <footer>
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button main" disabled={busy || name.trim() === ''}>
            Make key
          </button>
        </footer>
      </form>
    </Dialog>
  )
}
