import { defineConfig } from '@playwright/test'

export default defineConfig({
  testDir: import.meta.dirname,
  globalSetup: './build-page.ts',
  // Each test has an engine, a model and a browser page of its own; the machine may have two cores.
  workers: 2,
  fullyParallel: true,
  timeout: 90_000,
  expect: { timeout: 20_000 },
  forbidOnly: Boolean(process.env['CI']),
  reporter: 'list',
  outputDir: '../../out/test-results',
  use: {
    browserName: 'chromium',
    viewport: { width: 1280, height: 800 },
    launchOptions: {
      executablePath: process.env['FUSION_CHROMIUM'] ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
    },
  },
})
