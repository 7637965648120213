import { useState, type ReactNode } from 'react'

/** What one press adds: a thousand rows take about 30 ms to lay out. */
const STEP = 500

interface MoreProps<T> {
  all: readonly T[]
  first: number
  of: string
  columns?: number
  /** Still being written: then its end is shown, too. */
  growing?: boolean
  children: (item: T, index: number) => ReactNode
}

/** The first of many items and a button for more of them. */
export function More<T>({ all, first, of, columns, growing, children }: MoreProps<T>) {
  const [limit, setLimit] = useState(first)
  const rest = all.length - limit
  const button = rest > 0 && (
    <button type="button" className="quiet" onClick={() => setLimit(limit + STEP)}>
      Show {Math.min(rest, STEP).toLocaleString('en')} more {of} of {rest.toLocaleString('en')}
    </button>
  )
  return (
    <>
      {all.slice(0, limit).map(children)}
      {button &&
        (columns ? (
          <tr>
            <td colSpan={columns}>{button}</td>
          </tr>
        ) : (
          <li className="more">{button}</li>
        ))}
      {growing && rest > 0 && children(all[all.length - 1]!, all.length - 1)}
    </>
  )
}
