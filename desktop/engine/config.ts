// The engine's settings. The only file of the engine that reads process.env.
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { Type, type Static, type TSchema } from 'typebox'
import { Value } from 'typebox/value'

/** The folder that holds `models`, `out` and `package.json`: two levels above this file, as source and as bundle alike. */
const installation = resolve(import.meta.dirname, '../..')

interface Setting {
  variable: string
  schema: TSchema
  /** What it has to be, for the sentence about a wrong one. */
  form: string
  fallback: (env: Environment) => unknown
  secret?: boolean
}
type Environment = Record<string, string | undefined>

const settings = {
  home: {
    variable: 'FUSION_HOME',
    schema: Type.String({ minLength: 1, pattern: '^[^\\0]+$' }),
    form: 'the path of a folder',
    fallback: platformHome,
  },
  port: {
    variable: 'FUSION_PORT',
    schema: Type.Integer({ minimum: 0, maximum: 65_535 }),
    form: 'a whole number from 0 to 65535',
    fallback: () => 4310,
  },
  logLevel: {
    variable: 'FUSION_LOG',
    schema: Type.Union([Type.Literal('debug'), Type.Literal('info'), Type.Literal('warn'), Type.Literal('error')]),
    form: 'one of debug, info, warn, error',
    fallback: () => 'info',
  },
  resources: {
    variable: 'FUSION_RESOURCES',
    schema: Type.String({ minLength: 1, pattern: '^[^\\0]+$' }),
    form: 'the path of the folder with the bundled models',
    fallback: () => installation,
  },
  /** A key of the local API besides those made in the app. */
  apiKey: {
    variable: 'FUSION_API_KEY',
    schema: Type.Union([Type.String({ minLength: 16, maxLength: 500, pattern: '^\\S+$' }), Type.Null()]),
    form: 'at least 16 characters without spaces',
    fallback: () => null,
    secret: true,
  },
  /** What `npm start` lets the browser open Fusion with: good for one browser, since others of this computer can read a program's arguments. */
  openCode: {
    variable: 'FUSION_OPEN_CODE',
    schema: Type.Union([Type.String({ minLength: 32, maxLength: 200 }), Type.Null()]),
    form: 'at least 32 characters',
    fallback: () => null,
    secret: true,
  },
} satisfies Record<string, Setting>

/** `home`: the data folder. `resources`: what ships beside the program, bundled models first. Paths are absolute. */
export type Config = { [Name in keyof typeof settings]: Static<(typeof settings)[Name]['schema']> }

/** A setting that is not of the form it must have; the message names it in one line and shows no secret. */
export class WrongSetting extends Error {}

/** Reads the settings from the environment. An empty variable counts as not set. Throws `WrongSetting` for the first wrong one. */
export function readConfig(env: Environment = process.env): Config {
  const config: Record<string, unknown> = {}
  for (const [name, setting] of Object.entries<Setting>(settings)) {
    const text = env[setting.variable]?.trim()
    const value = text ? parse(setting.schema, text) : setting.fallback(env)
    if (!Value.Check(setting.schema, value)) {
      const shown = setting.secret ? 'what it holds is not' : `it is ${JSON.stringify(text)}`
      throw new WrongSetting(`${setting.variable} must be ${setting.form}; ${shown}.`)
    }
    config[name] = value
  }
  const { home, resources, ...rest } = config as Config
  return { ...rest, home: resolve(home), resources: resolve(resources) }
}

/**
 * The environment of an inference process. libuv's pool has one thread there, not four: llama.cpp's batches come one after another, and each
 * starts its helper threads anew. Handed from thread to thread, a batch often has its helpers put on the core it runs on itself, where the
 * two spin for each other: 29 instead of 50 tokens/s on two cores (Linux 6.18, bench `local`).
 */
export const inferenceEnvironment = (env: Environment = process.env): Environment => ({
  ...env,
  UV_THREADPOOL_SIZE: '1',
  FUSION_OPEN_CODE: undefined,
  FUSION_API_KEY: undefined,
  // node-llama-cpp reads it when it is imported, and throws where it is neither true nor false, such as empty.
  CI: undefined,
})

/** The settings as they may be printed: secrets are hidden. */
export function printable(config: Config): Record<string, string | number | null> {
  const shown = Object.entries<Setting>(settings).map(([name, { secret }]) => [
    name,
    secret && config[name as keyof Config] !== null ? '(hidden)' : config[name as keyof Config],
  ])
  return Object.fromEntries(shown)
}

function parse(schema: TSchema, text: string): unknown {
  if (!Type.IsInteger(schema)) return text
  return /^\d+$/.test(text) ? Number(text) : undefined
}

/** Where programs of each system keep their data. */
function platformHome(env: Environment): string {
  const home = homedir()
  if (process.platform === 'darwin') return join(home, 'Library/Application Support/Fusion')
  if (process.platform === 'win32') return join(env['APPDATA'] ?? join(home, 'AppData/Roaming'), 'Fusion')
  // The XDG base directory specification tells programs to ignore a relative path here.
  return join(env['XDG_DATA_HOME']?.startsWith('/') ? env['XDG_DATA_HOME'] : join(home, '.local/share'), 'fusion')
}
