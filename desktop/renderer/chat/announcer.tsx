import { textOf } from '@fusion/shared/chat/message.ts'
import type { TurnState } from '@fusion/shared/contract/engine.ts'
import { sentence } from '@fusion/shared/contract/failures.ts'
import { useEffect, useState } from 'react'
import { shelf } from '../state/replica.ts'
import { speakable, wholeSentences } from './whole-sentences.ts'

/** Sentences kept in the region: it is read as they come, and nobody goes back in it. */
const KEPT = 3

/** The one voice of the page for screen readers: the growing answer, a whole sentence at a time, and how it ended. */
export function Announcer({ turn }: { turn: TurnState }) {
  const [said, setSaid] = useState<{ key: number; text: string }[]>([])
  const { answerId } = turn
  useEffect(() => {
    if (!answerId) return
    let spoken: number | null = null
    let key = 0
    const say = (text: string) => text && setSaid(before => [...before.slice(1 - KEPT), { key: ++key, text }])
    const follow = () => {
      const message = shelf.get(answerId)
      if (!message) return
      const text = textOf(message)
      // A chat that is opened in the middle of an answer begins with what comes next.
      spoken ??= text.length > 200 ? text.length : 0
      if (message.status === 'growing') {
        const end = wholeSentences(text, spoken)
        if (end > spoken) say(speakable(text.slice(spoken, end)))
        spoken = end
        return
      }
      const rest = speakable(text.slice(spoken))
      spoken = text.length
      if (message.status === 'failed') say(`${rest} ${message.failure ? sentence(message.failure).what : ''}`.trim())
      else say(`${rest} ${message.status === 'stopped' ? 'Stopped.' : 'End of the answer.'}`.trim())
      leave()
    }
    setSaid([])
    const leave = shelf.subscribe(answerId, follow)
    follow()
    return leave
  }, [answerId])
  return (
    <div className="spoken" aria-live="polite" role="status" aria-label="News">
      {said.map(({ key, text }) => (
        <p key={key}>{text}</p>
      ))}
    </div>
  )
}
