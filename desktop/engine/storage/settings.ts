import { Compile } from 'typebox/compile'
import { defaultSettings, Settings } from '@fusion/shared/contract/settings.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import type { Connection } from './connection.ts'
import { parseJson } from './conversations.ts'

export interface SettingsStore {
  all(): Settings
  set(settings: Partial<Settings>): void
}

const readable = Compile(Settings)

export function createSettings(connection: Connection): SettingsStore {
  const { sqlite, commit, read, tell } = connection
  const select = sqlite.prepare<[], { name: string; value: string }>('select name, value from setting')
  const upsert = sqlite.prepare('insert into setting (name, value) values (?, ?) on conflict do update set value = excluded.value')

  /** A setting that is damaged or from another version counts as not set; the others stay. */
  function all(): Settings {
    let settings = defaultSettings
    for (const { name, value } of read(() => select.all())) {
      if (!Object.hasOwn(defaultSettings, name)) continue
      const next = { ...settings, [name]: parseJson(value) }
      if (readable.Check(next)) settings = next
    }
    return settings
  }

  return {
    all,
    set(settings) {
      commit(() => {
        if (!readable.Check({ ...all(), ...settings })) throw failure('bad-input')
        for (const [name, value] of Object.entries(settings)) upsert.run(name, JSON.stringify(value))
        tell({ type: 'settings-changed', settings: all() })
      })
    },
  }
}
