import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { cloudFlags } from './node-flags.mjs'

const root = join(import.meta.dirname, '..')

test("the cloud's image runs with the flags of `npm run cloud`", () => {
  const [, command] = /^CMD (\[.*\])$/m.exec(readFileSync(join(root, 'cloud/deploy/Dockerfile'), 'utf8'))!
  expect(JSON.parse(command!)).toEqual(['node', ...cloudFlags, 'cloud/server/main.ts'])
})

test('`npm run cloud` runs with them, also where this Node is the one that it runs on', () => {
  // Wrong settings end it as soon as its own program reads them.
  const env = {
    ...process.env,
    FUSION_CLOUD_PORT: 'none',
    MODEL_SERVERS: '[]',
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(tell)}`,
  }
  const { stdout } = spawnSync(process.execPath, [join(root, 'build/bootstrap.mjs'), 'build/cloud.mjs'], { env, encoding: 'utf8' })
  expect(stdout.trim().split('\n')).toContain(JSON.stringify(cloudFlags))
})

const tell = 'console.log(JSON.stringify(process.execArgv))'
