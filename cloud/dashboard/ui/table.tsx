import type { ReactNode } from 'react'

/**
 * Rows under the names of their columns: `cells` gives one cell for each. `empty` stands in the place of none, where there can be none; `numbers`: columns
 * whose cells are compared from one row to the next.
 */
export function Table<Row>({
  label,
  columns,
  rows,
  keyOf,
  cells,
  numbers = [],
  empty,
}: {
  label: string
  columns: readonly string[]
  rows: readonly Row[]
  keyOf: (row: Row) => string
  cells: (row: Row) => readonly ReactNode[]
  numbers?: readonly string[]
  empty?: string
}) {
  const look = (name: string | undefined) => (name !== undefined && numbers.includes(name) ? 'number' : undefined)
  if (rows.length === 0 && empty) return <p className="empty">{empty}</p>
  return (
    <div className="scroll">
      <table aria-label={label}>
        <thead>
          <tr>
            {columns.map(name => (
              <th key={name} scope="col" className={look(name)}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(row => (
            <tr key={keyOf(row)}>
              {cells(row).map((cell, index) => (
                <td key={columns[index]} className={look(columns[index])}>
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
