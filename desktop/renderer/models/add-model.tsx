import { ArrowUp, Box, FolderClosed } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { Failure } from '@fusion/shared/rpc/failure.ts'
import { ask, fusion } from '../state/fusion.ts'
import { useReplica } from '../state/replica.ts'
import { setView, useView } from '../state/view.ts'
import { Dialog } from '../ui/dialog.tsx'
import { formatBytes } from '../ui/format.ts'
import { FailureLine } from '../ui/failure-line.tsx'
import { Arrivals } from './arrivals.tsx'
import { takeModels } from './take-models.ts'
import { chooseModel } from './choose-model.ts'

type Listing = Awaited<ReturnType<typeof fusion.models.browse>>

/** Adds a GGUF file: from a folder of this computer, where it stays, or dropped and copied in. */
export function AddModel() {
  const [listing, setListing] = useState<Listing | null>(null)
  const [typed, setTyped] = useState('')
  const [problem, setProblem] = useState<ReturnType<typeof Failure.toBody> | null>(null)
  const [busy, setBusy] = useState(false)
  const picker = useRef<HTMLInputElement>(null)
  const failed = (error: unknown) => setProblem(Failure.toBody(error))

  const browse = async (path: string | null) => {
    try {
      const found = await fusion.models.browse({ path })
      setListing(found)
      // What was typed while the first folder was being read stays.
      setTyped(before => (path === null && before !== '' ? before : found.path))
      setProblem(null)
    } catch (error) {
      failed(error)
    }
  }
  const add = async (path: string) => {
    setBusy(true)
    setProblem(null)
    try {
      const { modelId } = await fusion.models.add({ path })
      setView({ added: modelId })
    } catch (error) {
      failed(error)
    } finally {
      setBusy(false)
    }
  }
  useEffect(() => void browse(null), [])

  return (
    <Dialog title="Add a model" onClose={() => setView({ panel: null, added: null })} className="add-model">
      <p>
        Any chat model as a GGUF file. Files in <code>models</code> of the data folder are found by themselves.
      </p>
      <Added />
      <Arrivals />
      {problem && <FailureLine failure={problem} onClose={() => setProblem(null)} />}
      <form
        className="path"
        onSubmit={event => {
          event.preventDefault()
          const path = typed.trim()
          if (/\.gguf$/i.test(path)) void add(path)
          else void browse(path || null)
        }}
      >
        <input aria-label="Folder or file" spellCheck={false} value={typed} onChange={event => setTyped(event.target.value)} />
        <button type="submit" className="button" disabled={busy}>
          {/\.gguf$/i.test(typed.trim()) ? 'Add' : 'Open'}
        </button>
      </form>
      <ul className="browse" aria-label="Files" aria-busy={listing === null}>
        {listing?.parent && (
          <li>
            <button type="button" onClick={() => void browse(listing.parent)}>
              <ArrowUp size={15} strokeWidth={1.8} aria-hidden /> <span>Up</span>
            </button>
          </li>
        )}
        {listing?.entries.map(entry => (
          <li key={entry.path}>
            <button type="button" disabled={busy} onClick={() => void (entry.kind === 'folder' ? browse(entry.path) : add(entry.path))}>
              {entry.kind === 'folder' ? (
                <FolderClosed size={15} strokeWidth={1.8} aria-hidden />
              ) : (
                <Box size={15} strokeWidth={1.8} aria-hidden />
              )}
              <span>{entry.name}</span>
              {entry.bytes !== null && <small>{formatBytes(entry.bytes)}</small>}
            </button>
          </li>
        ))}
        {listing && listing.entries.length === 0 && <li className="empty">No folders and no GGUF files here.</li>}
      </ul>
      <p className="drop">
        Or drop a file anywhere on this window, or{' '}
        <button type="button" className="link" onClick={() => picker.current?.click()}>
          pick one to copy
        </button>
        . It is copied into the data folder.
      </p>
      <input
        ref={picker}
        type="file"
        accept=".gguf"
        multiple
        hidden
        aria-label="Model files to copy"
        onChange={event => {
          void takeModels([...(event.target.files ?? [])])
          event.target.value = ''
        }}
      />
    </Dialog>
  )
}

/** The model that was just added, and the way to use it at once. */
function Added() {
  const added = useView(view => view.added)
  const entry = useReplica(replica => replica.models?.entries.find(candidate => candidate.id === added))
  if (!added || !entry) return null
  return (
    <div className="note quiet" role="status">
      <p>{entry.file.name} is ready to use.</p>
      <div className="go">
        <button
          type="button"
          className="button small main"
          onClick={() => {
            ask(chooseModel(added))
            setView({ panel: null, added: null })
          }}
        >
          Use it here
        </button>
      </div>
    </div>
  )
}
