import type { ModelEntry } from '@fusion/shared/contract/model.ts'
import { Check, Plus } from 'lucide-react'
import { useState, type RefObject } from 'react'
import { ask, fusion } from '../state/fusion.ts'
import { useReplica } from '../state/replica.ts'
import { setView } from '../state/view.ts'
import { Confirm } from '../ui/confirm.tsx'
import { Popover } from '../ui/popover.tsx'
import { Progress } from '../ui/progress.tsx'
import { Arrivals } from './arrivals.tsx'
import { CloudModels } from './cloud-models.tsx'
import { chooseModel } from './choose-model.ts'
import { modelDetails } from './model-words.ts'
import { usePresentModel } from './present-model.ts'
import './models.css'

interface ModelPickerProps {
  anchor: RefObject<HTMLButtonElement | null>
  onClose: () => void
}

/** The models on this computer: choose the one that answers in this chat, unload it, remove it, add another. */
export function ModelPicker({ anchor, onClose }: ModelPickerProps) {
  const entries = useReplica(replica => replica.models?.entries) ?? []
  const present = usePresentModel()
  const [removing, setRemoving] = useState<ModelEntry | null>(null)
  if (removing) return <RemoveModel entry={removing} onClose={onClose} />
  return (
    <Popover anchor={anchor} label="Models" className="model-picker" onClose={onClose}>
      <h3>Models on this computer</h3>
      <ul role="radiogroup" aria-label="Model that answers here">
        {entries.map(entry => (
          <li key={entry.id}>
            <button
              type="button"
              role="radio"
              aria-checked={entry.id === present?.id}
              className="choice"
              onClick={() => {
                ask(chooseModel(entry.id))
                onClose()
              }}
            >
              <Check size={15} strokeWidth={2} aria-hidden />
              <span>
                {entry.file.name}
                <small>{modelDetails(entry)}</small>
              </span>
            </button>
            {entry.state.at === 'loading' && <Progress label={`Loading ${entry.file.name}`} fraction={entry.state.fraction} />}
            <div className="acts">
              {entry.state.at === 'ready' && (
                <button
                  type="button"
                  className="quiet"
                  aria-label={`Unload ${entry.file.name}`}
                  onClick={() => ask(fusion.models.unload({ modelId: entry.id }))}
                >
                  Unload
                </button>
              )}
              {(entry.state.at === 'cold' || entry.state.at === 'failed') && (
                <button
                  type="button"
                  className="quiet"
                  aria-label={`Load ${entry.file.name}`}
                  onClick={() => ask(fusion.models.load({ modelId: entry.id }))}
                >
                  Load
                </button>
              )}
              {entry.source !== 'bundled' && (
                <button type="button" className="quiet" aria-label={`Remove ${entry.file.name}`} onClick={() => setRemoving(entry)}>
                  Remove
                </button>
              )}
            </div>
          </li>
        ))}
      </ul>
      {entries.length === 0 && <p className="empty">There is no model yet.</p>}
      <Arrivals />
      <CloudModels onClose={onClose} />
      <button
        type="button"
        className="add"
        onClick={() => {
          onClose()
          setView({ panel: 'add-model' })
        }}
      >
        <Plus size={15} strokeWidth={1.8} aria-hidden />
        Add a model
      </button>
    </Popover>
  )
}

/** A file in the data folder was put there for Fusion and goes with its model; one elsewhere belongs to somebody else and stays. */
function RemoveModel({ entry, onClose }: { entry: ModelEntry; onClose: () => void }) {
  const own = entry.source === 'found'
  return (
    <Confirm
      title={`Remove ${entry.file.name}?`}
      action={own ? 'Delete the file' : 'Remove'}
      onConfirm={() => ask(fusion.models.remove({ modelId: entry.id, deleteFile: own }))}
      onClose={onClose}
    >
      {own ? `Its file is deleted from the data folder: ${entry.path}` : `Fusion forgets it. Its file stays where it is: ${entry.path}`}
    </Confirm>
  )
}
