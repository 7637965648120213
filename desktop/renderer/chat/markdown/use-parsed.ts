import { useEffect, useReducer, useState } from 'react'
import type { Parsed } from './blocks.ts'
import { createPacedReader } from './paced-reader.ts'

/** The blocks of a text that may be growing. */
export function useParsed(text: string, growing: boolean): Parsed {
  const [reader] = useState(() => createPacedReader())
  const [, again] = useReducer((count: number) => count + 1, 0)
  const { parsed, againMs } = reader.read(text, growing)
  useEffect(() => {
    if (againMs === null) return
    const timer = setTimeout(again, againMs)
    return () => clearTimeout(timer)
  }, [text, againMs])
  return parsed
}
