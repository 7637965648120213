import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { ensurePacks, findGpu } from './packs.mjs'

const pinned = JSON.parse(readFileSync(join(import.meta.dirname, 'packs.json'), 'utf8')) as { version: string }
const packageJson = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')) as {
  dependencies: Record<string, string>
  overrides: Record<string, Record<string, string>>
}

afterEach(() => void vi.unstubAllEnvs())

/** A registry with one small package in the place of a pack, and a project that asks it. */
async function registry() {
  const root = mkdtempSync(join(tmpdir(), 'fusion-packs-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  const name = '@node-llama-cpp/tiny-gpu'
  mkdirSync(join(root, 'source/package'), { recursive: true })
  writeFileSync(join(root, 'source/package/package.json'), JSON.stringify({ name, version: pinned.version }))
  spawnSync('tar', ['-czf', 'pack.tgz', 'package'], { cwd: join(root, 'source') })
  const archive = readFileSync(join(root, 'source/pack.tgz'))
  const integrity = `sha512-${createHash('sha512').update(archive).digest('base64')}`
  const server = createServer((request, response) => {
    if (request.url?.endsWith('.tgz')) return response.end(archive)
    const tarball = `http://${request.headers.host}/pack.tgz`
    const version = { name, version: pinned.version, dist: { tarball, integrity } }
    return response.end(JSON.stringify({ name, 'dist-tags': { latest: pinned.version }, versions: { [pinned.version]: version } }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  vi.stubEnv('npm_config_registry', `http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  vi.stubEnv('npm_config_cache', join(root, 'cache'))
  const said: string[] = []
  vi.spyOn(process.stderr, 'write').mockImplementation(text => said.push(String(text)) > 0)
  onTestFinished(() => void vi.restoreAllMocks())
  const packs = (checksum: string) => ({ [`${process.platform}-${process.arch}`]: { 'tiny-gpu': checksum } })
  return { root, integrity, packs, said, server, place: join(root, 'node_modules/@node-llama-cpp') }
}

test('the pack for the GPU is fetched once, by npm from the configured registry', async () => {
  const { root, integrity, packs, said, place, server } = await registry()
  await ensurePacks(root, { gpu: 'cuda', packs: packs(integrity) })
  expect(readdirSync(place)).toEqual(['tiny-gpu'])
  expect(readdirSync(join(place, 'tiny-gpu'))).toEqual(['package.json'])
  expect(said.join('')).toBe("Fetching tiny-gpu for this machine's GPU; it is large …\n")
  server.closeAllConnections()
  server.close()
  await ensurePacks(root, { gpu: 'cuda', packs: packs(integrity) })
  expect(said).toHaveLength(1)
})

test('a pack whose checksum is not the pinned one is not unpacked, and Fusion goes on with the CPU', async () => {
  const { root, packs, said, place } = await registry()
  await ensurePacks(root, { gpu: 'cuda', packs: packs(`sha512-${'A'.repeat(86)}==`) })
  expect(readdirSync(place)).toEqual([])
  expect(said.at(-1)).toBe(
    'The part for this GPU (cuda) is not there: its checksum is not the one it should have. Fusion goes on with the CPU.\n',
  )
})

test('a pack that cannot be fetched is one line', async () => {
  const { root, integrity, packs, said, server } = await registry()
  server.closeAllConnections()
  server.close()
  vi.stubEnv('npm_config_fetch_retries', '0')
  await ensurePacks(root, { gpu: 'vulkan', packs: packs(integrity) })
  expect(said.at(-1)).toBe('The part for this GPU (vulkan) is not there: npm could not fetch it. Fusion goes on with the CPU.\n')
})

test('without a GPU nothing is fetched', async () => {
  const { root, integrity, packs, said } = await registry()
  await ensurePacks(root, { gpu: undefined, packs: packs(integrity) })
  expect({ said, there: existsSync(join(root, 'node_modules')) }).toEqual({ said: [], there: false })
})

test('FUSION_GPU decides where it is set, and a wrong one is named in one line', () => {
  expect(['cuda', 'vulkan', 'none'].map(wish => findGpu({ FUSION_GPU: wish }))).toEqual(['cuda', 'vulkan', undefined])
  expect(() => findGpu({ FUSION_GPU: 'amd' })).toThrow('FUSION_GPU must be cuda, vulkan or none; it is "amd".')
})

test('the packs are those of the node-llama-cpp that is installed, and the lockfile leaves out exactly them', () => {
  const { version, cuda, vulkan } = pinned as unknown as Record<'cuda' | 'vulkan', Record<string, Record<string, string>>> & {
    version: string
  }
  expect(version).toBe(packageJson.dependencies['node-llama-cpp'])
  const names = [cuda, vulkan].flatMap(bySystem => Object.values(bySystem)).flatMap(packs => Object.keys(packs))
  expect(names.map(name => `@node-llama-cpp/${name}`).toSorted()).toEqual(Object.keys(packageJson.overrides['node-llama-cpp']!).toSorted())
})
