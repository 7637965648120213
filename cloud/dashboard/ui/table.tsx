import type { ReactNode } from 'react'

/** Rows under the names of their columns: `cells` gives one cell for each. `empty` stands in the place of none, where there can be none. */
export function Table<Row>({
  label,
  columns,
  rows,
  keyOf,
  cells,
  empty,
}: {
  label: string
  columns: readonly string[]
  rows: readonly Row[]
  keyOf: (row: Row) => string
  cells: (row: Row) => readonly ReactNode[]
  empty?: string
}) {
  if (rows.length === 0 && empty) return <p className="empty">{empty}</p>
  return (
    <div className="scroll">
      <table aria-label={label}>
        <thead>
          <tr>
            {columns.map(name => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(row => (
            <tr key={keyOf(row)}>
              {cells(row).map((cell, index) => (
                <td key={columns[index]}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
