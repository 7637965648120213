import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LoadOrder, LoadResult } from '../../../cloud/server/testing/stream-load.ts'
import { cloudFlags } from '../../node-flags.mjs'
import { type Program, startProgram } from '../cloud/program.ts'
import { ADMIN, makeAdmin, signIn } from '../cloud/sign-in.ts'
import { benchEnvironment, profiler } from '../cloud/stage.ts'
import { repository } from '../config.ts'
import type { ModelCount } from './models.ts'
import { startNginx } from './nginx.ts'
import type { Other } from './programs.ts'
import type { GatewaySetting } from './setting.ts'

/** More than any part asks at once: nobody waits in line. */
const SLOTS = 4_096

async function makeKey(url: string): Promise<string> {
  const reply = await fetch(`${url}/v1/account/api-keys`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${(await signIn(url, ADMIN)).access_token}` },
    body: JSON.stringify({ name: 'bench', scopes: ['inference'], expiresAt: null }),
  })
  if (!reply.ok) throw new Error(`No API key was made: ${reply.status}`)
  return ((await reply.json()) as { secret: string }).secret
}

/** Starts the model server, who asks, the cloud with one person and their key, the bare proxy, and NGINX where there is one. */
export async function openGatewayStage(quick: boolean): Promise<{ setting: GatewaySetting; close(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'fusion-bench-gateway-'))
  const closing: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })]
  const close = async () => {
    for (const end of closing.splice(0).toReversed()) await end()
  }
  const keep = <T extends Program | Other>(started: T): T => {
    closing.push(started.close)
    return started
  }
  try {
    const models = keep(await startProgram([join(import.meta.dirname, 'upstream.ts')]))
    const modelsUrl = `http://127.0.0.1:${models.port}`
    const asking = keep(await startProgram([join(repository, 'cloud/server/testing/stream-load.ts')]))
    const bare = keep(await startProgram([join(repository, 'cloud/server/testing/bare-proxy.ts'), modelsUrl]))
    const nginx = await startNginx(folder, models.port)
    if (nginx) keep(nginx)
    else process.stderr.write('NGINX is not on this machine (Debian: apt-get install nginx): its rows are left out.\n')
    const settle = join(import.meta.dirname, '../cloud/settle-memory.mjs')
    const cloud = keep(
      await startProgram([...cloudFlags, ...profiler(), '--import', settle, join(repository, 'cloud/server/main.ts')], {
        ...benchEnvironment(folder),
        MODEL_SERVERS: JSON.stringify([{ url: modelsUrl, slots: SLOTS }]),
      }),
    )
    const cloudUrl = `http://127.0.0.1:${cloud.port}`
    await makeAdmin(cloud.lines.map(line => /^Make the first account, within a day: (\S+)$/.exec(line)?.[1]).find(Boolean)!)
    const key = await makeKey(cloudUrl)
    return {
      setting: {
        quick,
        folder,
        models,
        cloud,
        bare,
        nginx,
        async ask(port, order) {
          const body: LoadOrder = { key, ...order, origin: `http://127.0.0.1:${port}` }
          const reply = await fetch(`http://127.0.0.1:${asking.port}/`, { method: 'POST', body: JSON.stringify(body) })
          if (!reply.ok) throw new Error(await reply.text())
          return (await reply.json()) as LoadResult
        },
        counts: async () => (await (await fetch(`${modelsUrl}/counts`)).json()) as Record<string, ModelCount>,
        accessToken: async () => (await signIn(cloudUrl, ADMIN)).access_token,
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
