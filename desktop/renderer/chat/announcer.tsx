import { textOf } from '@fusion/shared/chat/message.ts'
import type { TurnState } from '@fusion/shared/contract/engine.ts'
import { sentence } from '@fusion/shared/contract/failures.ts'
import { useEffect, useRef, useState } from 'react'
import { shelf } from '../state/replica.ts'
import { turnWords } from './log/turn-words.ts'
import { speakable, wholeSentences } from './whole-sentences.ts'

/** Sentences kept in the region: it is read as they come, and nobody goes back in it. */
const KEPT = 3

/** The one voice of the page for screen readers: what an answer waits for in the cloud, its words, a whole sentence at a time, and how it ended. */
export function Announcer({ turn }: { turn: TurnState }) {
  const [said, setSaid] = useState<{ key: number; text: string }[]>([])
  const key = useRef(0)
  const { answerId } = turn
  const say = (text: string) => text && setSaid(before => [...before.slice(1 - KEPT), { key: ++key.current, text }])
  useEffect(() => {
    if (!answerId) return
    let spoken: number | null = null
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
  // Of its place no number: one that is told again at every step would be all that is heard.
  const inLine = turn.at === 'waiting' && turn.ahead !== undefined ? 'Waiting for its turn.' : null
  const news = turn.at === 'waking-model' || turn.at === 'retrying' ? turnWords(turn, { cloud: true, started: true }) : inLine
  useEffect(() => {
    if (answerId && news) say(news)
  }, [answerId, news])
  return (
    <div className="spoken" aria-live="polite" role="status" aria-label="News">
      {said.map(({ key, text }) => (
        <p key={key}>{text}</p>
      ))}
    </div>
  )
}
