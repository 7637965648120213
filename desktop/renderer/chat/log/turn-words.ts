import type { TurnState } from '@fusion/shared/contract/engine.ts'

/**
 * What the turn does until the next word comes, where that has to be said. `started`: some of the answer stands there, and is gone on with;
 * `cloud`: by the cloud.
 */
export function turnWords(
  { at, ahead }: Pick<TurnState, 'at' | 'ahead'>,
  { cloud, started }: { cloud: boolean; started: boolean },
): string | null {
  switch (at) {
    case 'asking':
      return null
    case 'connecting':
      return 'Connecting again'
    case 'loading-model':
      return 'Loading the model'
    case 'waking-model':
      return 'The cloud is waking the model. This may take a minute or two.'
    case 'retrying':
      return 'A server of the cloud failed. The answer goes on; nothing is lost.'
    case 'waiting':
      if (ahead !== undefined) return `Waiting for its turn: ${placeWords(ahead)}`
      return started ? null : cloud ? 'Waiting for the cloud' : 'Waiting for its turn'
    case 'prefilling':
      return started ? null : 'Reading the chat'
    case 'idle':
    case 'answering':
    case 'paused':
      return started ? null : 'Beginning'
  }
}

const placeWords = (ahead: number) => (ahead === 0 ? 'it is next' : `${ahead.toLocaleString('en')} before it`)
