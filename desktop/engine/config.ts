// The engine's settings. The only file of the engine that reads process.env.
import { homedir } from 'node:os'
import { resolve } from 'node:path'
import { platformHome } from '@fusion/shared/configuration/platform-home.ts'
import {
  type Environment,
  printableSettings,
  readSettings,
  type SettingTable,
  type SettingValues,
} from '@fusion/shared/configuration/read-settings.ts'
import { Type } from 'typebox'

/** The folder that holds `models`, `out` and `package.json`: two levels above this file, as source and as bundle alike. */
const installation = resolve(import.meta.dirname, '../..')

const settings = {
  home: {
    variable: 'FUSION_HOME',
    schema: Type.String({ minLength: 1, pattern: '^[^\\0]+$' }),
    form: 'the path of a folder',
    fallback: env => platformHome({ platform: process.platform, home: homedir(), env }),
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
} satisfies SettingTable

/** `home`: the data folder. `resources`: what ships beside the program, bundled models first. Paths are absolute. */
export type Config = SettingValues<typeof settings>

/** Reads the settings from the environment. Throws `WrongSetting` for the first wrong one. */
export function readConfig(env: Environment = process.env): Config {
  const config = readSettings(settings, env)
  return { ...config, home: resolve(config.home), resources: resolve(config.resources) }
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
export const printable = (config: Config): Record<string, unknown> => printableSettings(settings, config)
