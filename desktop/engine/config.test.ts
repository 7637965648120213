import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { inferenceEnvironment, printable, readConfig } from './config.ts'

const installation = resolve(import.meta.dirname, '../..')

test('without any variable the settings are the documented ones', () => {
  expect(readConfig({ XDG_DATA_HOME: '/data' })).toEqual({
    home: '/data/fusion',
    port: 4310,
    logLevel: 'info',
    resources: installation,
    apiKey: null,
    openCode: null,
  })
})

test.runIf(process.platform === 'linux')('without XDG_DATA_HOME, or with a relative one, the data lies in ~/.local/share/fusion', () => {
  const usual = join(homedir(), '.local/share/fusion')
  expect([readConfig({}).home, readConfig({ XDG_DATA_HOME: 'data' }).home]).toEqual([usual, usual])
})

test('variables that are set are taken, and a relative data folder becomes absolute', () => {
  const env = { FUSION_HOME: 'my-data', FUSION_PORT: ' 0 ', FUSION_LOG: 'debug', FUSION_RESOURCES: '/opt/fusion' }
  expect(readConfig(env)).toEqual({
    home: resolve('my-data'),
    port: 0,
    logLevel: 'debug',
    resources: '/opt/fusion',
    apiKey: null,
    openCode: null,
  })
})

test('an empty variable counts as not set', () => {
  expect(readConfig({ FUSION_PORT: '', FUSION_LOG: '  ' })).toMatchObject({ port: 4310, logLevel: 'info' })
})

test.for(['abc', '-1', '65536', '43.5', '0x10', '1e3', '4310;'])('FUSION_PORT=%s is refused in one line that names it', value => {
  const read = () => readConfig({ FUSION_PORT: value })
  expect(read).toThrow(`FUSION_PORT must be a whole number from 0 to 65535; it is ${JSON.stringify(value)}.`)
})

test('a wrong value is shown so that it stays one line', () => {
  expect(() => readConfig({ FUSION_LOG: 'loud\nand clear' })).toThrow(
    'FUSION_LOG must be one of debug, info, warn, error; it is "loud\\nand clear".',
  )
})

test('what is printed at the start has every setting', () => {
  const config = readConfig({ FUSION_HOME: '/data' })
  expect(printable(config)).toEqual(config)
})

test('a secret is neither printed at the start nor shown when it is wrong, and inference does not get it', () => {
  const secret = 'a-code-of-at-least-thirty-two-characters'
  const config = readConfig({ FUSION_HOME: '/data', FUSION_OPEN_CODE: secret })
  expect(config.openCode).toBe(secret)
  expect(JSON.stringify(printable(config))).not.toContain(secret)
  expect(() => readConfig({ FUSION_OPEN_CODE: 'too-short' })).toThrow(
    'FUSION_OPEN_CODE must be at least 32 characters; what it holds is not.',
  )
  expect(inferenceEnvironment({ FUSION_OPEN_CODE: secret, FUSION_API_KEY: secret, PATH: '/bin' })).toMatchObject({
    FUSION_OPEN_CODE: undefined,
    FUSION_API_KEY: undefined,
    PATH: '/bin',
  })
})

test('inference is not told that it runs in CI: node-llama-cpp does not load where that is neither true nor false', () => {
  expect(inferenceEnvironment({ CI: '' })).toMatchObject({ CI: undefined })
})
