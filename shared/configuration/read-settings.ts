// How a program reads its settings: one schema for each, read once from the environment, printed with secrets hidden.
import { Type, type Static, type TSchema } from 'typebox'
import { Value } from 'typebox/value'

export interface Setting {
  variable: string
  schema: TSchema
  /** What it has to be, for the sentence about a wrong one. */
  form: string
  fallback: (env: Environment) => unknown
  secret?: boolean
}
export type SettingTable = Record<string, Setting>
export type Environment = Record<string, string | undefined>
export type SettingValues<Table extends SettingTable> = { [Name in keyof Table]: Static<Table[Name]['schema']> }

/** A setting that is not of the form it must have; the message names it in one line and shows no secret. */
export class WrongSetting extends Error {}

/** Reads the settings from the environment. An empty variable counts as not set. Throws `WrongSetting` for the first wrong one. */
export function readSettings<Table extends SettingTable>(table: Table, env: Environment): SettingValues<Table> {
  const values: Record<string, unknown> = {}
  for (const [name, setting] of Object.entries<Setting>(table)) {
    const text = env[setting.variable]?.trim()
    const value = text ? parse(setting.schema, text) : setting.fallback(env)
    if (!Value.Check(setting.schema, value)) {
      const shown = setting.secret ? 'what it holds is not' : `it is ${JSON.stringify(text)}`
      throw new WrongSetting(`${setting.variable} must be ${setting.form}; ${shown}.`)
    }
    values[name] = value
  }
  return values as SettingValues<Table>
}

/** The settings as they may be printed: secrets are hidden. */
export function printableSettings<Table extends SettingTable>(table: Table, values: SettingValues<Table>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries<Setting>(table).map(([name, { secret }]) => [name, secret && values[name] !== null ? '(hidden)' : values[name]]),
  )
}

function parse(schema: TSchema, text: string): unknown {
  if (Type.IsInteger(schema)) return /^\d+$/.test(text) ? Number(text) : undefined
  if (Type.IsBoolean(schema)) return text === 'true' ? true : text === 'false' ? false : undefined
  if (Type.IsArray(schema) || Type.IsObject(schema)) return parseJson(text)
  return text
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
