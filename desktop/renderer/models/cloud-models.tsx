import type { CloudModelEntry } from '@fusion/shared/contract/account.ts'
import { Check } from 'lucide-react'
import { ask } from '../state/fusion.ts'
import { useReplica } from '../state/replica.ts'
import { formatCount } from '../ui/format.ts'
import { chooseModel } from './choose-model.ts'
import { cloudHost, usePresentCloudModel } from './present-cloud-model.ts'

const states = { ready: 'ready', asleep: 'has to be woken', down: 'does not answer now' } as const

export const cloudModelDetails = ({ quantization, windowTokens, state }: CloudModelEntry): string =>
  [quantization, `${formatCount(windowTokens)} tokens`, states[state]].filter(Boolean).join(' · ')

/** The models of the cloud that somebody is signed in to, and what choosing one of them means. */
export function CloudModels({ onClose }: { onClose: () => void }) {
  const models = useReplica(replica => replica.account?.models) ?? []
  const host = useReplica(cloudHost)
  const present = usePresentCloudModel()
  if (!host) return null
  return (
    <>
      <h3>
        <i className="dot cloud" aria-hidden /> Models at {host}
      </h3>
      <p className="goes-there">What you write in a chat with one of them goes to {host}.</p>
      <ul role="radiogroup" aria-label={`Models at ${host}`}>
        {models.map(model => (
          <li key={model.id}>
            <button
              type="button"
              role="radio"
              aria-checked={model.id === present?.id}
              className="choice"
              onClick={() => {
                ask(chooseModel(model.id))
                onClose()
              }}
            >
              <Check size={15} strokeWidth={2} aria-hidden />
              <span>
                {model.name}
                <small>{cloudModelDetails(model)}</small>
              </span>
            </button>
          </li>
        ))}
      </ul>
      {models.length === 0 && <p className="empty">It has told no models yet.</p>}
    </>
  )
}
