import type { SearchHit } from '@fusion/shared/search/search-hit.ts'
import { Failure, isCancelled, type FailureBody } from '@fusion/shared/rpc/failure.ts'
import { useEffect, useRef, useState } from 'react'
import { fusion } from '../../state/fusion.ts'

/** Between two letters of a word; a search takes a few ms. */
const PAUSE_MS = 60
const PAGE = 30

interface Found {
  text: string
  hits: SearchHit[]
  next: string | null
  failure: FailureBody | null
}

const nothing: Found = { text: '', hits: [], next: null, failure: null }

export interface SearchResult {
  hits: SearchHit[]
  more: boolean
  searching: boolean
  failure: FailureBody | null
  readMore: () => void
}

/** Searches while `text` is typed; what was found before stands until the next is there. */
export function useSearch(text: string): SearchResult {
  const [found, setFound] = useState(nothing)
  const reading = useRef(false)
  const wanted = text.trim()

  useEffect(() => {
    if (wanted === '') return setFound(nothing)
    const controller = new AbortController()
    const timer = setTimeout(() => {
      fusion.search.find({ text: wanted, limit: PAGE }, { signal: controller.signal }).then(
        ({ hits, next }) => setFound({ text: wanted, hits, next, failure: null }),
        (error: unknown) => {
          if (!isCancelled(error)) setFound({ ...nothing, text: wanted, failure: Failure.toBody(error) })
        },
      )
    }, PAUSE_MS)
    return () => {
      clearTimeout(timer)
      controller.abort()
    }
  }, [wanted])

  const readMore = () => {
    const { next: before } = found
    if (!before || reading.current) return
    reading.current = true
    fusion.search
      .find({ text: found.text, limit: PAGE, before })
      .then(
        ({ hits, next }) => setFound(last => (last.text === found.text ? { ...last, hits: [...last.hits, ...hits], next } : last)),
        (error: unknown) => setFound(last => ({ ...last, failure: Failure.toBody(error) })),
      )
      .finally(() => (reading.current = false))
  }
  return { hits: found.hits, more: found.next !== null, searching: found.text !== wanted, failure: found.failure, readMore }
}
