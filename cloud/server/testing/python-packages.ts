import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

const cache = join(homedir(), '.cache', 'fusion-judges')

/** A Python that has the packages of a requirements.txt: a virtual environment that is made once and kept in ~/.cache/fusion-judges. Where none can be made, why. */
export function findPython(requirements: string): { python: string } | { missing: string } {
  const base = ['python3', 'python'].find(name => spawnSync(name, ['-c', 'import venv, ensurepip']).status === 0)
  if (!base) return { missing: 'There is no Python 3 with venv on this machine (Debian: apt-get install python3-venv).' }
  const version = spawnSync(base, ['--version'], { encoding: 'utf8' }).stdout
  const hash = createHash('sha256').update(readFileSync(requirements)).update(version).digest('hex').slice(0, 16)
  const folder = join(cache, hash)
  const python = join(folder, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python')
  if (existsSync(folder)) return { python }
  // Whole or not at all: it is made beside, then named as it is to be found.
  mkdirSync(cache, { recursive: true })
  const made = mkdtempSync(`${folder}-`)
  const install = [python.replace(folder, made), '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements]
  for (const [program = '', ...args] of [[base, '-m', 'venv', made], install]) {
    const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' })
    if (status === 0) continue
    rmSync(made, { recursive: true, force: true })
    return { missing: `The packages for Python could not be installed: ${stderr.trim().split('\n').at(-1)}` }
  }
  try {
    renameSync(made, folder)
  } catch {
    // Another run was first.
    rmSync(made, { recursive: true, force: true })
  }
  return { python }
}
