import { Plus } from 'lucide-react'
import { usePresentModel } from '../models/present-model.ts'
import { ask } from '../state/fusion.ts'
import { useReplica } from '../state/replica.ts'
import { setView } from '../state/view.ts'
import { sendQuestion } from './send.ts'

const questions = ['Is my data private?', 'Can I use Fusion offline?', 'How do branches work?']

/** An empty chat does the first step: what the present model can do, three questions to press, and a way to a better model. */
export function FirstRun({ conversationId }: { conversationId: string }) {
  const known = useReplica(replica => replica.models !== null)
  const model = usePresentModel()
  const coming = useReplica(replica => replica.models?.arrivals.some(arrival => arrival.at !== 'refused') === true)
  if (!known) return null
  const guide = model?.source === 'bundled'
  return (
    <div className="first-run">
      <i className="mark large" />
      <h2>{guide || !model ? 'Welcome to Fusion' : 'What is on your mind?'}</h2>
      {guide && (
        <>
          <p>The bundled guide is a very small model that answers questions about Fusion; for anything else add a model.</p>
          <ul>
            {questions.map(text => (
              <li key={text}>
                <button type="button" className="suggestion" onClick={() => ask(sendQuestion(conversationId, { text, attachments: [] }))}>
                  {text}
                </button>
              </li>
            ))}
          </ul>
        </>
      )}
      {!guide && model && <p>{model.file.name} answers on this computer. Nothing you write leaves it.</p>}
      {!model && coming && <p>Getting a model ready.</p>}
      {!model && !coming && <p>There is no model to answer with yet. Any chat model as a GGUF file will do.</p>}
      {(guide || !model) && (
        <button type="button" className="button" onClick={() => setView({ panel: 'add-model' })}>
          <Plus size={15} strokeWidth={1.8} aria-hidden />
          Add a model
        </button>
      )}
    </div>
  )
}
