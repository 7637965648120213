import { useRef, type KeyboardEvent } from 'react'

interface InlineNameProps {
  label: string
  name: string
  maxLength: number
  onSave: (name: string) => void
  onClose: () => void
}

/** A name changed where it stands: Enter and leaving keep it, Escape does not. */
export function InlineName({ label, name, maxLength, onSave, onClose }: InlineNameProps) {
  const done = useRef(false)
  const finish = (value: string | null) => {
    // Leaving the field follows Enter and Escape: the first of them counts.
    if (done.current) return
    done.current = true
    const next = value?.trim()
    if (next && next !== name) onSave(next)
    onClose()
  }
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.nativeEvent.isComposing) return
    if (event.key === 'Enter') finish(event.currentTarget.value)
    else if (event.key === 'Escape') finish(null)
    else return
    event.preventDefault()
    event.stopPropagation()
  }
  return (
    <input
      className="inline-name"
      aria-label={label}
      defaultValue={name}
      maxLength={maxLength}
      // The field was asked for by the press before: the focus follows it.
      // oxlint-disable-next-line jsx-a11y/no-autofocus
      autoFocus
      onFocus={event => event.currentTarget.select()}
      onKeyDown={onKeyDown}
      onBlur={event => finish(event.currentTarget.value)}
    />
  )
}
