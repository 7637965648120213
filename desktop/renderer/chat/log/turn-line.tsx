import type { TurnState } from '@fusion/shared/contract/engine.ts'
import { usePresentCloudModel } from '../../models/present-cloud-model.ts'
import { FailureLine } from '../../ui/failure-line.tsx'
import { Progress } from '../../ui/progress.tsx'
import { turnWords } from './turn-words.ts'

/** What the turn does before its first word, and what keeps it from going on. */
export function TurnLine({ turn, started }: { turn: TurnState; started: boolean }) {
  const cloud = usePresentCloudModel() !== null
  if (turn.failure) return <FailureLine failure={turn.failure} />
  const words = turnWords(turn, { cloud, started })
  if (!words) return null
  return (
    <p className={cloud ? 'turn-line cloud' : 'turn-line'}>
      {words}
      {turn.fraction !== null && turn.fraction > 0 && <Progress label={words} fraction={turn.fraction} />}
    </p>
  )
}
