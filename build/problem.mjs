/** What keeps Fusion from going on, said to the person in one line. Anything else that is thrown is a fault of these scripts. */
export class Problem extends Error {}

/**
 * Prints a `Problem` as its sentence, anything else with its stack, and ends the process with exit code 1.
 * @param {unknown} error
 * @returns {never}
 */
export function endWith(error) {
  const text = error instanceof Problem ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)
  process.stderr.write(`${text}\n`)
  process.exit(1)
}
