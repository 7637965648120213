import { randomUUID } from 'node:crypto'
import { linkSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'

const BEAT_MS = 1000
/** A holder that has not touched its lock for so long was killed, if its processes are gone too. */
const STALE_MS = 3000
/** After so long the numbers in it may be those of other programs, as after a restart of the computer. */
const FORGOTTEN_MS = 600_000
const POLL_MS = 100

/**
 * Runs `work` while holding the lock file `file`, so that of two programs that want the same thing at once the second one waits.
 * The lock of a program that was killed is taken over after some seconds, but not while a process that it told of by `holdsToo` goes on.
 * `onWait` is called once when there is a wait.
 * @template T
 * @param {string} file
 * @param {() => void} onWait
 * @param {(holdsToo: (pid: number | undefined) => void) => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(file, onWait, work) {
  const token = `${process.pid} ${randomUUID()}`
  for (let waited = false; !take(file, token); waited = true) {
    if (!waited) onWait()
    await new Promise(resolve => setTimeout(resolve, POLL_MS))
  }
  const beat = setInterval(() => touch(file), BEAT_MS)
  try {
    return await work(pid => writeFileSync(file, `${token} ${pid ?? ''}`))
  } finally {
    clearInterval(beat)
    if (read(file)?.startsWith(token)) rmSync(file, { force: true })
  }
}

/**
 * @param {string} file
 * @param {string} token
 */
function take(file, token) {
  try {
    writeFileSync(file, token, { flag: 'wx' })
    return true
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error
  }
  const holder = read(file)
  if (holder !== undefined && isStale(file, holder)) putAside(file, holder, token)
  return false
}

/**
 * @param {string} file
 * @param {string} holder
 */
function isStale(file, holder) {
  const [pid, , childPid] = holder.split(' ').map(Number)
  const age = Date.now() - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Infinity)
  return age > FORGOTTEN_MS || (age > STALE_MS && !isRunning(pid) && !isRunning(childPid))
}

/** @param {number | undefined} pid */
function isRunning(pid) {
  if (!pid) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code !== 'ESRCH'
  }
}

/**
 * Removes the lock of a dead holder. Another waiter may have done so just before and hold the lock now: then it is given back.
 * @param {string} file
 * @param {string} holder
 * @param {string} token
 */
function putAside(file, holder, token) {
  const aside = `${file}.${token.split(' ')[1]}`
  try {
    renameSync(file, aside)
    if (read(aside) !== holder) linkSync(aside, file)
  } catch {
    // Somebody was faster; the next round sees what they left.
  }
  rmSync(aside, { force: true })
}

/** @param {string} file */
function touch(file) {
  try {
    utimesSync(file, new Date(), new Date())
  } catch {
    // Gone: its folder was deleted by hand. The work goes on.
  }
}

/** @param {string} file */
function read(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
