import type { ContextReport } from '@fusion/shared/contract/engine.ts'
import { useRef, useState } from 'react'
import { useReplica } from '../../state/replica.ts'
import { formatCount, plural } from '../../ui/format.ts'
import { Popover } from '../../ui/popover.tsx'
import { Ring } from '../../ui/ring.tsx'
import { showNewChat } from '../open-chat.ts'

/** How full the model's window is; a press says what fills it, what was left out, and what to do. */
export function ContextMeter() {
  const context = useReplica(replica => replica.open?.context ?? null)
  const [open, setOpen] = useState(false)
  const button = useRef<HTMLButtonElement>(null)
  if (!context) return <span className="meter" />
  const used = context.systemTokens + context.historyTokens + context.draftTokens
  const full = context.leftOut.messages > 0 || context.draftTooLong
  const words = `${formatCount(used)} of ${formatCount(context.windowTokens)}`
  return (
    <>
      <button
        ref={button}
        type="button"
        className="meter"
        aria-label={`Context: ${words} tokens${full ? ', some messages are left out' : ''}`}
        aria-haspopup="dialog"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        <Ring fraction={used / context.windowTokens} full={full} />
        <span>{words}</span>
      </button>
      {open && (
        <Popover anchor={button} label="What the model reads" align="end" className="context-panel" onClose={() => setOpen(false)}>
          <ContextPanel context={context} used={used} />
        </Popover>
      )}
    </>
  )
}

function ContextPanel({ context, used }: { context: ContextReport; used: number }) {
  const { windowTokens, systemTokens, historyTokens, draftTokens, reservedTokens, leftOut, draftTooLong } = context
  const rows = [
    ['System prompt and template', systemTokens, 'system'],
    ['This chat', historyTokens, 'history'],
    ['What you are writing', draftTokens, 'draft'],
    ['Kept free for the answer', reservedTokens, 'reserved'],
    ['Free', Math.max(0, windowTokens - used - reservedTokens), 'free'],
  ] as const
  return (
    <>
      <h3>What the model reads</h3>
      <p>Its window holds {windowTokens.toLocaleString('en')} tokens. A token is about three quarters of a word.</p>
      <div className="stack" aria-hidden>
        {rows.map(([, tokens, kind]) => (
          <i key={kind} className={kind} style={{ flexGrow: tokens }} />
        ))}
      </div>
      <table>
        <tbody>
          {rows.map(([name, tokens, kind]) => (
            <tr key={kind}>
              <th scope="row">
                <i className={kind} aria-hidden />
                {name}
              </th>
              <td>{tokens.toLocaleString('en')}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {draftTooLong ? (
        <p>What you are writing does not fit the window by itself. Shorten it, take out a file, or choose a model with a larger window.</p>
      ) : leftOut.messages > 0 ? (
        <>
          <p>
            {plural(leftOut.messages, 'earlier message')} ({leftOut.tokens.toLocaleString('en')} tokens) did not fit and{' '}
            {leftOut.messages === 1 ? 'is' : 'are'} not read any more. A line in the chat shows from where on it is read.
          </p>
          <p>What helps: a new chat with what matters, a model with a larger window, or a shorter system prompt.</p>
          <button type="button" className="button small" onClick={showNewChat}>
            New chat
          </button>
        </>
      ) : (
        <p>Nothing is left out: the model reads the whole chat.</p>
      )}
    </>
  )
}
