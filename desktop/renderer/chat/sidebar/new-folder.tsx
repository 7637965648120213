import { useState } from 'react'
import { ask, fusion } from '../../state/fusion.ts'
import { Dialog } from '../../ui/dialog.tsx'

/** Asks for a name and makes the folder. */
export function NewFolder({ onClose, onMade }: { onClose: () => void; onMade: (folderId: string) => void }) {
  const [name, setName] = useState('')
  const make = async () => {
    const { folderId } = await fusion.folders.add({ name: name.trim() })
    onMade(folderId)
  }
  return (
    <Dialog title="New folder" onClose={onClose} className="confirm">
      <form
        onSubmit={event => {
          event.preventDefault()
          if (name.trim() === '') return
          ask(make())
          onClose()
        }}
      >
        <label className="field">
          Name
          <input data-focus value={name} maxLength={100} onChange={event => setName(event.target.value)} />
        </label>
        <footer>
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button main" disabled={name.trim() === ''}>
            Make folder
          </button>
        </footer>
      </form>
    </Dialog>
  )
}
