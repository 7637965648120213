import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from './fixtures.ts'

const args = [
  // A name of somebody else that leads to this computer, as after DNS rebinding.
  '--host-resolver-rules=MAP rebound.example 127.0.0.1',
  // Chromium's own guard of local addresses is not everywhere: the engine has to do without.
  '--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests',
]
test.use({ launchOptions: async ({ launchOptions }, use) => use({ ...launchOptions, args: [...(launchOptions.args ?? []), ...args] }) })

/** What a page gets when it reaches for the engine on a port, with everything that the browser has of it. */
const reach = (host: string) => `
  const words = []
  for (const path of ['/', '/session'])
    words.push(await fetch('http://${host}' + path, { method: path === '/' ? 'GET' : 'POST', credentials: 'include', body: path === '/' ? null : '{}' })
      .then(answer => answer.status, () => 'blocked'))
  const socket = new WebSocket('ws://${host}/rpc')
  words.push(await new Promise(resolve => { socket.onopen = () => resolve('open'); socket.onerror = () => resolve('closed') }))
  return words`

test('a page of another origin reaches neither the page, nor a session, nor the socket of a browser that was let in', async ({
  fusion,
  running,
  context,
}) => {
  const stranger = createServer((_, response) => response.end('<title>stranger</title>'))
  await new Promise<void>(resolve => stranger.listen(0, '127.0.0.1', resolve))
  const page = await context.newPage()
  await page.goto(`http://127.0.0.1:${(stranger.address() as AddressInfo).port}/`)
  const { port } = running.engine
  expect(await page.evaluate(`(async () => {${reach(`127.0.0.1:${port}`)}})()`)).toEqual(['blocked', 'blocked', 'closed'])
  // The same from our own page, so that it is known to be the origin that was refused.
  expect(await fusion.evaluate(`(async () => {${reach(`127.0.0.1:${port}`)}})()`)).toEqual([200, 403, 'open'])
  stranger.close()
})

test('a page whose name was pointed at this computer gets nothing of the engine', async ({ fusion, running, context }) => {
  await expect(fusion).toHaveTitle(/Fusion/)
  const host = `rebound.example:${running.engine.port}`
  const page = await context.newPage()
  // It came from its own server, before its name led here.
  await page.route(`http://${host}/before`, route => route.fulfill({ contentType: 'text/html', body: '<title>rebound</title>' }))
  await page.goto(`http://${host}/before`)
  expect(await page.evaluate(`(async () => {${reach(host)}})()`)).toEqual([421, 421, 'closed'])
})
