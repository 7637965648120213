import { existsSync } from 'node:fs'
import { installByApt } from './apt.ts'

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
export const installChromium = () => (installByApt('chromium', 'fonts-liberation') ? findChromium() : undefined)
