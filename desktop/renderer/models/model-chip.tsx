import { useRef, useState } from 'react'
import { Ring } from '../ui/ring.tsx'
import { ModelPicker } from './model-picker.tsx'
import { usePresentModel } from './present-model.ts'

/** The model that answers here, in the composer; a press opens the picker. */
export function ModelChip() {
  const model = usePresentModel()
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
        aria-label={model ? `Model: ${model.file.name}` : 'Choose a model'}
        onClick={() => setOpen(!open)}
      >
        {model?.state.at === 'loading' ? (
          <Ring fraction={model.state.fraction} />
        ) : (
          <i className={model?.state.at === 'failed' ? 'dot bad' : 'dot desk'} />
        )}
        <span>{model?.file.name ?? 'No model'}</span>
      </button>
      {open && <ModelPicker anchor={button} onClose={() => setOpen(false)} />}
    </>
  )
}
