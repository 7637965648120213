import { appendFileSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'

const MAX_BYTES = 2_000_000
const KEPT_FILES = 3

/**
 * Writes log lines to `folder/fusion.log` (mode 0600); past 2 MB it becomes `fusion.1.log`, and so on, three files in all.
 * Lines that can't be written (full disk, read-only folder) are lost: logging never stops what it tells about.
 */
export function openLogFile(folder: string): (line: string) => void {
  const name = (age: number) => join(folder, age === 0 ? 'fusion.log' : `fusion.${age}.log`)
  let bytes = 0
  const quietly = (step: () => void) => {
    try {
      step()
    } catch {
      // Said above: a log that can't be written is no reason to fail.
    }
  }
  quietly(() => mkdirSync(folder, { recursive: true, mode: 0o700 }))
  quietly(() => (bytes = statSync(name(0)).size))

  function rotate(): void {
    quietly(() => rmSync(name(KEPT_FILES - 1), { force: true }))
    for (let age = KEPT_FILES - 2; age >= 0; age--) quietly(() => renameSync(name(age), name(age + 1)))
    bytes = 0
  }

  return line => {
    if (bytes + line.length > MAX_BYTES) rotate()
    bytes += line.length
    quietly(() => appendFileSync(name(0), line, { mode: 0o600 }))
  }
}
