import { useEffect, useId, useState, type ReactNode } from 'react'

interface FieldProps {
  label: string
  hint?: ReactNode
}

/** A setting with its words; the control is put in beside them. */
function Row({ label, hint, id, children }: FieldProps & { id: string; children: ReactNode }) {
  return (
    <div className="setting">
      <div>
        <label htmlFor={id}>{label}</label>
        {hint && <small id={`${id}-hint`}>{hint}</small>}
      </div>
      {children}
    </div>
  )
}

export function ToggleField({ label, hint, value, onChange }: FieldProps & { value: boolean; onChange: (value: boolean) => void }) {
  const id = useId()
  return (
    <Row label={label} hint={hint} id={id}>
      <input
        id={id}
        type="checkbox"
        role="switch"
        aria-checked={value}
        className="switch"
        checked={value}
        aria-describedby={hint ? `${id}-hint` : undefined}
        onChange={event => onChange(event.target.checked)}
      />
    </Row>
  )
}

interface NumberFieldProps extends FieldProps {
  value: number | null
  min: number
  max: number
  step?: number
  /** What holds while the field is empty. */
  placeholder: string
  onChange: (value: number | null) => void
}

/** A number that may be left to Fusion. It is kept when the field is left or Enter is pressed, if it lies in its range. */
export function NumberField({ label, hint, value, min, max, step = 1, placeholder, onChange }: NumberFieldProps) {
  const id = useId()
  const [typed, setTyped] = useState(value === null ? '' : String(value))
  useEffect(() => setTyped(value === null ? '' : String(value)), [value])
  const parsed = typed.trim() === '' ? null : Number(typed)
  const wrong = parsed !== null && (!Number.isFinite(parsed) || parsed < min || parsed > max || (step === 1 && !Number.isInteger(parsed)))
  const keep = () => {
    if (!wrong && parsed !== value) onChange(parsed)
  }
  return (
    <Row
      label={label}
      hint={
        wrong ? (
          <span className="wrong">
            From {min.toLocaleString('en')} to {max.toLocaleString('en')}.
          </span>
        ) : (
          hint
        )
      }
      id={id}
    >
      <input
        id={id}
        inputMode="decimal"
        className="number"
        value={typed}
        placeholder={placeholder}
        aria-invalid={wrong}
        aria-describedby={`${id}-hint`}
        onChange={event => setTyped(event.target.value)}
        onBlur={keep}
        onKeyDown={event => event.key === 'Enter' && keep()}
      />
    </Row>
  )
}

interface TextFieldProps extends FieldProps {
  value: string
  placeholder?: string
  maxLength: number
  lines?: number
  onChange: (value: string) => void
}

/** Text that is kept when its field is left. */
export function TextField({ label, hint, value, placeholder, maxLength, lines = 1, onChange }: TextFieldProps) {
  const id = useId()
  const [typed, setTyped] = useState(value)
  useEffect(() => setTyped(value), [value])
  const shared = {
    id,
    value: typed,
    placeholder,
    maxLength,
    'aria-describedby': hint ? `${id}-hint` : undefined,
    onChange: (event: { target: { value: string } }) => setTyped(event.target.value),
    onBlur: () => typed !== value && onChange(typed),
  }
  return (
    <div className="setting wide">
      <div>
        <label htmlFor={id}>{label}</label>
        {hint && <small id={`${id}-hint`}>{hint}</small>}
      </div>
      {lines > 1 ? <textarea rows={lines} {...shared} /> : <input {...shared} />}
    </div>
  )
}

interface ChoiceFieldProps<T extends string> extends FieldProps {
  value: T
  choices: readonly { value: T; label: string }[]
  onChange: (value: T) => void
}

/** A few words of which one holds. */
export function ChoiceField<T extends string>({ label, hint, value, choices, onChange }: ChoiceFieldProps<T>) {
  const name = useId()
  return (
    <fieldset className="setting">
      <div>
        <legend>{label}</legend>
        {hint && <small>{hint}</small>}
      </div>
      <div className="segments">
        {choices.map(choice => (
          <label key={choice.value}>
            <input type="radio" name={name} checked={choice.value === value} onChange={() => onChange(choice.value)} />
            <span>{choice.label}</span>
          </label>
        ))}
      </div>
    </fieldset>
  )
}

interface SelectFieldProps extends FieldProps {
  value: string
  choices: readonly { value: string; label: string }[]
  onChange: (value: string) => void
}

export function SelectField({ label, hint, value, choices, onChange }: SelectFieldProps) {
  const id = useId()
  return (
    <Row label={label} hint={hint} id={id}>
      <select id={id} value={value} onChange={event => onChange(event.target.value)}>
        {choices.map(choice => (
          <option key={choice.value} value={choice.value}>
            {choice.label}
          </option>
        ))}
      </select>
    </Row>
  )
}
