import { useRef, useState } from 'react'
import { useReplica } from '../state/replica.ts'
import { footWords } from './model-words.ts'
import { ModelPicker } from './model-picker.tsx'
import { cloudHost, usePresentCloudModel } from './present-cloud-model.ts'
import { usePresentModel } from './present-model.ts'

/** The foot of the sidebar: the model, its size, how it stands; a press opens the picker. */
export function ModelFoot() {
  const model = usePresentModel()
  const cloud = usePresentCloudModel()
  const host = useReplica(cloudHost)
  const known = useReplica(replica => replica.models !== null)
  const [open, setOpen] = useState(false)
  const button = useRef<HTMLButtonElement>(null)
  if (!known) return null
  const name = cloud?.name ?? model?.file.name ?? 'No model'
  const details = cloud ? `in the cloud · ${host ?? 'not signed in'}` : model ? footWords(model) : 'Add one to begin'
  return (
    <>
      <button
        ref={button}
        type="button"
        className="foot"
        aria-label={`Model: ${name}, ${details}`}
        aria-haspopup="dialog"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        <i aria-hidden className={cloud ? 'dot cloud' : model ? `dot desk ${model.state.at}` : 'dot'} />
        <span>
          <b>{name}</b>
          <small>{details}</small>
        </span>
      </button>
      {open && <ModelPicker anchor={button} onClose={() => setOpen(false)} />}
    </>
  )
}
