import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

const requirements = join(import.meta.dirname, '../api/judges/requirements.txt')
const cache = join(homedir(), '.cache', 'fusion-judges')
/** Where a virtual environment keeps its Python. */
const inside = process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python'

/** A Python 3 that makes virtual environments. Debian has that part in a package of its own. */
export const basePython = () => ['python3', 'python'].find(name => spawnSync(name, ['-c', 'import venv, ensurepip']).status === 0)

/**
 * A Python that has the packages of requirements.txt: `FUSION_PYTHON`, or a virtual environment that is made once (some 15 seconds) and kept
 * in ~/.cache/fusion-judges. Where there is none and none can be made, why.
 */
export function findPython(): { python: string } | { missing: string } {
  const named = process.env['FUSION_PYTHON']
  if (named) return { python: named }
  const base = basePython()
  if (!base) return { missing: 'There is no Python 3 with venv on this machine (Debian: apt-get install python3-venv).' }
  const version = spawnSync(base, ['--version'], { encoding: 'utf8' }).stdout
  const hash = createHash('sha256').update(readFileSync(requirements)).update(version).digest('hex').slice(0, 16)
  const folder = join(cache, hash)
  const failed = existsSync(folder) ? undefined : make(base, folder)
  return failed === undefined ? { python: join(folder, inside) } : { missing: failed }
}

/** Whole or not at all: it is made beside, then named as it is to be found. */
function make(base: string, folder: string): string | undefined {
  mkdirSync(cache, { recursive: true })
  const made = mkdtempSync(`${folder}-`)
  const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--requirement', requirements]
  for (const [program, args] of [
    [base, ['-m', 'venv', made]],
    [join(made, inside), install],
  ] as const) {
    const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' })
    if (status === 0) continue
    rmSync(made, { recursive: true, force: true })
    return `The packages for Python could not be installed: ${stderr.trim().split('\n').at(-1)}`
  }
  try {
    renameSync(made, folder)
  } catch {
    // Another run was first.
    rmSync(made, { recursive: true, force: true })
  }
  return undefined
}
