import { defineConfig } from 'vitest/config'

const shared = {
  exclude: ['**/node_modules/**', 'desktop/e2e/**', '**/*.long.test.ts'],
  testTimeout: 60_000,
  hookTimeout: 60_000,
  // What is awaited comes when it comes: on a loaded machine a second, the default, was too short.
  expect: { poll: { timeout: 20_000 } },
}

export default defineConfig({
  test: {
    // Two cores: real processes and models run inside the tests, so no more than two files at once.
    maxWorkers: 2,
    projects: [
      { test: { ...shared, name: 'desktop', include: ['shared/**/*.test.ts', 'desktop/**/*.test.{ts,tsx}', 'build/**/*.test.ts'] } },
      {
        test: {
          ...shared,
          name: 'cloud',
          include: ['cloud/**/*.test.{ts,tsx}'],
          globalSetup: ['cloud/database/testing/global-setup.ts'],
        },
      },
    ],
  },
})
