import { constants } from 'node:os'

/** What keeps Fusion from going on, said to the person in one line. Anything else that is thrown is a fault of these scripts. */
export class Problem extends Error {}

/** Somebody asked us to stop, as by Ctrl-C. That needs no words. */
export class Stopped extends Error {
  /** @param {NodeJS.Signals} signal */
  constructor(signal) {
    super(signal)
    this.signal = signal
  }
}

/**
 * Prints a `Problem` as its sentence, anything else with its stack, and ends the process with exit code 1; after `Stopped`, with the one
 * that shells give for its signal.
 * @param {unknown} error
 * @returns {never}
 */
export function endWith(error) {
  if (error instanceof Stopped) process.exit(128 + constants.signals[error.signal])
  const text = error instanceof Problem ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)
  process.stderr.write(`${text}\n`)
  process.exit(1)
}
