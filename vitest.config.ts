import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['shared/**/*.test.ts', 'desktop/**/*.test.{ts,tsx}', 'build/**/*.test.ts', 'cloud/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'desktop/e2e/**', '**/*.long.test.ts'],
    // Two cores: real processes and models run inside the tests, so no more than two files at once.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // What is awaited comes when it comes: on a loaded machine a second, the default, was too short.
    expect: { poll: { timeout: 20_000 } },
  },
})
