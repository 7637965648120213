import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { clients } from './snippets.ts'

const access = { address: 'http://127.0.0.1:4310/v1', key: 'fsn-secret', model: `it's "7B" $HOME \`x\` \\n` }

test.skipIf(process.platform === 'win32')('a shell gives curl the model by its very name, whatever stands in it', () => {
  const { code } = clients.find(({ label }) => label === 'curl')!
  // The last argument of a curl that only repeats it.
  const body = execFileSync('sh', ['-c', `curl() { for last; do :; done; printf %s "$last"; }\n${code(access)}`], { encoding: 'utf8' })
  expect(JSON.parse(body)).toEqual({ model: access.model, messages: [{ role: 'user', content: 'Hello' }] })
})

test.for(clients.map(client => [client.label, client] as const))('%s is told the address and the key', ([, client]) => {
  const code = client.code(access)
  expect(code).toContain(access.address)
  expect(code).toContain(access.key)
})

test('programs name the model in a string of their language', () => {
  for (const { label, code } of clients) if (label !== 'curl') expect(code(access)).toContain(JSON.stringify(access.model))
})
