import { spawnSync } from 'node:child_process'

/** Installs packages of Debian's. Changes the system, so it is for CI alone. False where they can't be had. */
export function installByApt(...packages: string[]): boolean {
  const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n']
  return [['update'], ['install', '-y', '--no-install-recommends', ...packages]].every(step => {
    const [program = '', ...args] = [...sudo, 'apt-get', ...step]
    return spawnSync(program, args, { stdio: ['ignore', 2, 2], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } }).status === 0
  })
}
