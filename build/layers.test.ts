import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'

const root = dirname(import.meta.dirname)
const oxlint = join(root, 'node_modules/oxlint/bin/oxlint')

/** Without its options, which oxlint takes from a root configuration only. */
function configuration(): string {
  const { options: _, ...rest } = JSON.parse(readFileSync(join(root, '.oxlintrc.json'), 'utf8')) as Record<string, unknown>
  return JSON.stringify(rest)
}

/**
 * Those of `snippets` in which the project's own lint configuration finds a broken layer rule, were each the file `path`. Every snippet lies
 * in a folder of its own with a copy of that configuration, so that one run of the linter judges them all.
 */
function refused(path: string, snippets: string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'fusion-layers-'))
  try {
    for (const [index, code] of snippets.entries()) {
      const file = join(folder, String(index), path)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, code)
      writeFileSync(join(folder, String(index), '.oxlintrc.json'), configuration())
    }
    const { stdout } = spawnSync(process.execPath, [oxlint, '--format=json', '.'], { cwd: folder, encoding: 'utf8' })
    const { diagnostics } = JSON.parse(stdout) as { diagnostics: { code: string; filename: string }[] }
    const broken = diagnostics.filter(({ code }) => /restricted|require/.test(code)).map(({ filename }) => Number.parseInt(filename, 10))
    return snippets.filter((_, index) => broken.includes(index))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const networkModules = ['net', 'tls', 'http', 'https', 'http2', 'dgram', 'dns', 'dns/promises', 'inspector']
const waysOut = [
  ...networkModules.flatMap(name => [`import { thing } from 'node:${name}'`, `export * from '${name}'`]),
  "const net = await import('node:net')",
  "import { createRequire } from 'node:module'",
  "import { WebSocket } from 'ws'",
  "import { request } from 'undici'",
  "await fetch('https://example.com')",
  "await globalThis.fetch('https://example.com')",
  "new WebSocket('wss://example.com')",
  "new EventSource('https://example.com')",
  "require('node:net')",
  "process.getBuiltinModule('net')",
]
const runsCommands = "import { spawn } from 'node:child_process'"
const electron = "import { app } from 'electron'"
const models = ["import { getLlama } from 'node-llama-cpp'", "import * as onnx from 'onnxruntime-node'"]
const sqlite = "import Database from 'better-sqlite3'"

test.for<[string, string[]]>([
  ['desktop/engine/chat/turn.ts', [...waysOut, ...models, runsCommands, electron, sqlite, 'process.env.HOME', 'const { env } = process']],
  ['cloud/server/chat/chat.ts', ["import { Pool } from 'pg'", electron, sqlite, ...models, 'process.env.HOME']],
  ['cloud/database/users.ts', [electron, sqlite, ...models, 'process.env.HOME']],
  ['desktop/engine/models/models.ts', [...waysOut, ...models, electron, sqlite]],
  ['desktop/engine/storage/storage.ts', [...waysOut, ...models, runsCommands, electron]],
  ['desktop/engine/config.ts', [...waysOut, runsCommands]],
  ['desktop/engine/egress/door.ts', [...models, runsCommands, electron, sqlite]],
  [
    'desktop/engine/http/server.ts',
    [
      "import { connect } from 'node:net'",
      "import { request } from 'node:http'",
      "import { get } from 'http'",
      "import http from 'node:http'",
      "import * as http from 'node:http'",
      "import { request } from 'node:https'",
      "import WebSocket from 'ws'",
      "fetch('https://example.com')",
      electron,
    ],
  ],
  ['desktop/inference/main.ts', [...waysOut, runsCommands, electron, sqlite]],
  ['desktop/command-line/chat/chat.ts', [...waysOut, ...models, runsCommands, electron, sqlite, 'process.env.HOME']],
  ['desktop/command-line/engine/dial.ts', [...models, runsCommands, electron, sqlite]],
  ['desktop/command-line/doctor/port.ts', ["import { connect } from 'node:net'", "import { request } from 'node:http'", runsCommands]],
  ['desktop/main/main.ts', [...models, sqlite]],
  ['desktop/renderer/app/main.tsx', [...models, electron, sqlite]],
  ['shared/chat/plan-context.ts', [...models, electron, sqlite]],
])('%s may not reach past its layer', ([path, snippets]) => {
  expect(refused(path, snippets)).toEqual(snippets)
})

test.for<[string, string]>([
  [
    'desktop/engine/http/server.ts',
    "import { createServer } from 'node:http'\nimport { WebSocketServer } from 'ws'\nimport type { AddressInfo } from 'node:net'",
  ],
  ['desktop/engine/egress/door.ts', "import { request } from 'node:https'\nawait fetch('https://example.com')"],
  ['desktop/engine/storage/storage.ts', sqlite],
  ['desktop/engine/models/models.ts', runsCommands],
  ['desktop/engine/config.ts', 'process.env.HOME'],
  ['desktop/inference/main.ts', models.join('\n')],
  ['desktop/command-line/config.ts', 'process.env.NO_COLOR'],
  ['desktop/command-line/engine/dial.ts', "import { WebSocket } from 'ws'\nawait fetch('http://127.0.0.1:4310')"],
  ['desktop/command-line/doctor/port.ts', "import { createServer } from 'node:net'"],
  ['desktop/command-line/doctor/cards.ts', runsCommands],
  ['desktop/main/main.ts', electron],
  ['desktop/preload/preload.ts', electron],
])('%s may do what it is there for', ([path, code]) => {
  expect(refused(path, [code])).toEqual([])
})
