import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['shared/**/*.long.test.ts', 'desktop/**/*.long.test.{ts,tsx}', 'build/**/*.long.test.ts', 'cloud/**/*.long.test.ts'],
    exclude: ['**/node_modules/**'],
    globalSetup: ['cloud/database/testing/global-setup.ts'],
    // Soaks and benchmarks measure: nothing runs beside them.
    maxWorkers: 1,
    testTimeout: 3_600_000,
    hookTimeout: 600_000,
  },
})
