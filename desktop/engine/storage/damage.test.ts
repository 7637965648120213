import { test } from 'vitest'
import { aSoundDatabase, damageAnywhere } from './testing/damage-anywhere.ts'

test(
  'damage at any place of the file hides nothing that is sound, keeps nobody from writing, and is told',
  { timeout: 120_000 },
  async () => {
    const database = aSoundDatabase()
    for (let seed = 1; seed <= 3; seed++) await damageAnywhere(database, seed)
  },
)
