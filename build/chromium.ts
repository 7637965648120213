import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

const usualPlaces = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
]

/** The Chromium for the tests of the page: `FUSION_CHROMIUM`, or the one that is installed. */
export function findChromium(): string | undefined {
  return [process.env['FUSION_CHROMIUM'], ...usualPlaces].find(file => file && existsSync(file))
}

/** Debian's Chromium by apt. Changes the system, so it is for CI alone. Undefined where it can't be had. */
export function installChromium(): string | undefined {
  const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n']
  for (const step of [['update'], ['install', '-y', '--no-install-recommends', 'chromium', 'fonts-liberation']]) {
    const [program = '', ...args] = [...sudo, 'apt-get', ...step]
    const { status } = spawnSync(program, args, { stdio: ['ignore', 2, 2], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } })
    if (status !== 0) return undefined
  }
  return findChromium()
}
