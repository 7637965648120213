import type { SearchHit } from '@fusion/shared/search/search-hit.ts'
import { Search as SearchIcon } from 'lucide-react'
import { useId, useState, type KeyboardEvent } from 'react'
import { sentence } from '@fusion/shared/contract/failures.ts'
import { setView } from '../../state/view.ts'
import { Dialog } from '../../ui/dialog.tsx'
import { showChat } from '../open-chat.ts'
import { useSearch } from './use-search.ts'
import './search.css'

const days = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short', year: 'numeric' })

/** Said before anything is typed. */
const HOW = 'In every branch, and in the trash. Words in “quotes” are found as they stand.'

/** Search over titles and everything that was said, in all branches and in the trash. Arrow keys walk, Enter opens. */
export function Search() {
  const [text, setText] = useState('')
  const { hits, more, readMore, failure, searching } = useSearch(text)
  const [chosen, setChosen] = useState(0)
  const listId = useId()
  const index = Math.min(chosen, hits.length - 1)
  const open = (hit: SearchHit | undefined) => hit && showChat(hit.conversationId, hit.messageId)
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return
    if (event.key === 'ArrowDown') {
      setChosen(Math.min(index + 1, hits.length - 1))
      if (index >= hits.length - 3) readMore()
    } else if (event.key === 'ArrowUp') setChosen(Math.max(index - 1, 0))
    else if (event.key === 'Enter') open(hits[index])
    // A search field would take the first Escape to empty itself.
    else if (event.key === 'Escape') setView({ panel: null })
    else return
    event.preventDefault()
  }
  return (
    <Dialog title="Search everything" onClose={() => setView({ panel: null })} className="search" bare>
      <div className="search-field">
        <SearchIcon size={17} strokeWidth={1.8} aria-hidden />
        <input
          type="search"
          role="combobox"
          aria-label="Search everything"
          aria-expanded={hits.length > 0}
          aria-controls={listId}
          aria-activedescendant={hits.length > 0 ? `${listId}-${index}` : undefined}
          autoComplete="off"
          placeholder="Search titles and messages"
          maxLength={1000}
          value={text}
          onChange={event => {
            setText(event.target.value)
            setChosen(0)
          }}
          onKeyDown={onKeyDown}
        />
      </div>
      <div className="hits" role="listbox" id={listId} aria-label="Found">
        {hits.map((hit, at) => (
          <Hit
            key={`${hit.conversationId} ${hit.messageId}`}
            id={`${listId}-${at}`}
            hit={hit}
            chosen={at === index}
            onOpen={() => open(hit)}
          />
        ))}
      </div>
      {more && (
        <button type="button" className="quiet more" onClick={readMore}>
          More results
        </button>
      )}
      <p className="empty" role="status">
        {failure ? sentence(failure).what : text.trim() === '' ? HOW : !searching && hits.length === 0 ? 'Nothing found.' : ''}
      </p>
    </Dialog>
  )
}

function Hit({ id, hit, chosen, onOpen }: { id: string; hit: SearchHit; chosen: boolean; onOpen: () => void }) {
  return (
    // Reached by the arrow keys of the field, which keeps the focus (a combobox).
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events
    <div
      id={id}
      role="option"
      tabIndex={-1}
      aria-selected={chosen}
      className="hit"
      ref={element => {
        if (chosen) element?.scrollIntoView({ block: 'nearest' })
      }}
      onClick={onOpen}
    >
      <div className="title">
        <b>{hit.messageId === null ? <Snippet hit={hit} /> : hit.conversationTitle}</b>
        <small>
          {hit.life === 'trash' && 'in the trash · '}
          {days.format(hit.at)}
        </small>
      </div>
      {hit.messageId !== null && (
        <p>
          {hit.role === 'user' ? 'You: ' : ''}
          <Snippet hit={hit} />
        </p>
      )}
    </div>
  )
}

function Snippet({ hit }: { hit: SearchHit }) {
  return hit.snippet.map((piece, index) => (piece.hit ? <mark key={index}>{piece.text}</mark> : piece.text))
}
