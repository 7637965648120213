import { useRef, useState } from 'react'
import { Ring } from '../ui/ring.tsx'
import { ModelPicker } from './model-picker.tsx'
import { usePresentCloudModel } from './present-cloud-model.ts'
import { usePresentModel } from './present-model.ts'

/** The model that answers here, in the composer; a press opens the picker. */
export function ModelChip() {
  const model = usePresentModel()
  const cloud = usePresentCloudModel()
  const name = cloud?.name ?? model?.file.name
  const [open, setOpen] = useState(false)
  const button = useRef<HTMLButtonElement>(null)
  return (
    <>
      <button
        ref={button}
        type="button"
        className="chip model"
        aria-haspopup="dialog"
        aria-expanded={open}
        aria-label={name ? `Model: ${name}${cloud ? ', in the cloud' : ''}` : 'Choose a model'}
        onClick={() => setOpen(!open)}
      >
        {cloud ? (
          <i className="dot cloud" />
        ) : model?.state.at === 'loading' ? (
          <Ring fraction={model.state.fraction} />
        ) : (
          <i className={model?.state.at === 'failed' ? 'dot bad' : 'dot desk'} />
        )}
        <span>{name ?? 'No model'}</span>
      </button>
      {open && <ModelPicker anchor={button} onClose={() => setOpen(false)} />}
    </>
  )
}
