/** Rows of the same number of columns, filled up with spaces so that the columns stand below one another; the last is left as it is. */
export function table(rows: readonly (readonly string[])[]): string[][] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map(row => width(row[column] ?? ''))))
  return rows.map(row =>
    row.map((cell, column) => (column === row.length - 1 ? cell : cell + ' '.repeat(widths[column]! - width(cell) + 2))),
  )
}

/** Code points: exact for what names of models and files are usually made of. */
const width = (text: string): number => Array.from(text).length
