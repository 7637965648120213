import { test } from 'vitest'
import { aSoundDatabase, damageAnywhere } from './testing/damage-anywhere.ts'

test('damage at any place of the file, eighty places in five ways each', { timeout: 600_000 }, async () => {
  const database = aSoundDatabase()
  for (let seed = 100; seed < 180; seed++) await damageAnywhere(database, seed)
})
