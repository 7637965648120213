import { useState } from 'react'
import { CodeBlock } from '../chat/markdown/code-block.tsx'
import { ChoiceField, SelectField } from '../settings/fields.tsx'
import { clients } from './snippets.ts'

interface ExamplesProps {
  address: string
  /** Of the key that was just made, while it is shown. */
  secret: string | null
  models: readonly string[]
}

const choices = clients.map(({ label }) => ({ value: label, label }))

/** A few lines to copy into a program, with the real address and the name of a model. */
export function Examples({ address, secret, models }: ExamplesProps) {
  const [label, setLabel] = useState(clients[0]!.label)
  const [wished, setWished] = useState<string | null>(null)
  const client = clients.find(candidate => candidate.label === label)!
  // A model that was chosen may be gone.
  const model = wished !== null && models.includes(wished) ? wished : (models[0] ?? 'MODEL')
  return (
    <section aria-label="Example">
      <h2>Example</h2>
      <ChoiceField label="Client" value={label} choices={choices} onChange={setLabel} />
      {models.length > 1 && (
        <SelectField label="Model" value={model} choices={models.map(name => ({ value: name, label: name }))} onChange={setWished} />
      )}
      <CodeBlock code={client.code({ address, key: secret ?? 'YOUR_KEY', model })} language={client.language} growing={false} />
      <p className="empty">
        {client.install && (
          <>
            After <code>{client.install}</code>.{' '}
          </>
        )}
        {secret ? 'It holds the key that is shown above.' : 'Put your key in the place of YOUR_KEY.'}
      </p>
    </section>
  )
}
