import { setView } from '../state/view.ts'
import { CopyButton } from '../ui/copy-button.tsx'

/** The models, by the names that programs call them by. */
export function ModelNames({ names }: { names: readonly string[] }) {
  return (
    <section aria-label="Models">
      <header>
        <h2>Models</h2>
        <button type="button" className="button small" aria-haspopup="dialog" onClick={() => setView({ panel: 'add-model' })}>
          Add a model
        </button>
      </header>
      <p className="empty">
        {names.length === 0 ? 'There is none yet.' : 'By the names that programs call them by. A model is loaded when it is first asked.'}
      </p>
      <ul className="rows">
        {names.map(name => (
          <li key={name}>
            <code>{name}</code>
            <CopyButton text={() => name} label={`Copy ${name}`} className="button small" />
          </li>
        ))}
      </ul>
    </section>
  )
}
