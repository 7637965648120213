import { cloudModelName } from '@fusion/shared/chat/cloud-model.ts'
import { useReplica, type Replica } from '../state/replica.ts'

/** A model of the cloud that the open chat wishes for; by the cloud's own name for it where the list is not known. */
export function usePresentCloudModel(): { id: string; name: string } | null {
  const id = useReplica(({ open }) => (open?.conversation?.settings ?? open?.draftSettings)?.modelId ?? null)
  const known = useReplica(({ account }) => account?.models.find(model => model.id === id)?.name)
  const name = cloudModelName(id)
  return id === null || name === undefined ? null : { id, name: known ?? name }
}

/** Host of the cloud somebody is signed in to. */
export const cloudHost = ({ account }: Pick<Replica, 'account'>): string | null =>
  account?.signedIn ? new URL(account.signedIn.address).host : null
