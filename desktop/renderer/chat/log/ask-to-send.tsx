import { ask, fusion } from '../../state/fusion.ts'
import { useReplica } from '../../state/replica.ts'
import { cloudHost, usePresentCloudModel } from '../../models/present-cloud-model.ts'

/** A chat that asks first: what would leave, to where, and two plain answers. */
export function AskToSend({ conversationId, answerId }: { conversationId: string; answerId: string }) {
  const host = useReplica(cloudHost) ?? 'the cloud'
  const model = usePresentCloudModel()
  return (
    <div className="note ask-to-send" role="alert">
      <p>
        <i className="dot cloud" aria-hidden /> Send this question to {host}?{' '}
        <span>
          {model ? `${model.name} answers there. ` : ''}It gets the question, and as much of this chat and its files as the model can hold.
        </span>
      </p>
      <div className="go">
        <button type="button" className="button small" onClick={() => ask(fusion.turns.stop({ conversationId }))}>
          Do not send
        </button>
        <button type="button" className="button small" onClick={() => ask(fusion.turns.agree({ conversationId, answerId }))}>
          Send
        </button>
      </div>
    </div>
  )
}
