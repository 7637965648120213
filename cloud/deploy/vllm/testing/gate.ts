// The gate of compose.yml in a real NGINX: gate.conf.template, filled in as NGINX's image fills it in.
import { spawn, spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { freePort } from '../../../database/free-port.ts'

const folder = join(import.meta.dirname, '..')

/** In CI `npm test` has installed it: there a missing one is a failure. */
export const skipWithoutNginx = spawnSync('nginx', ['-v']).status !== 0 && !process.env['CI']

export interface Gate {
  port: number
  close(): Promise<void>
}

/** Resolves when the server behind it answers at /health through it; throws where that takes ten seconds. */
export async function startGate({ serverPort, key, sleeps = false }: { serverPort: number; key: string; sleeps?: boolean }): Promise<Gate> {
  const port = await freePort()
  const values: Record<string, string> = {
    GATE_PORT: `127.0.0.1:${port}`,
    SERVER_PORT: String(serverPort),
    MODEL_SERVER_KEY: key,
    GATE_ROUTES: await routesOfVllm(),
    GATE_SLEEP: sleeps ? 'sleep|wake_up|is_sleeping' : '-',
  }
  const template = await readFile(join(folder, 'gate.conf.template'), 'utf8')
  const filled = template.replaceAll(/\$\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole)
  const at = await mkdtemp(join(tmpdir(), 'fusion-gate-'))
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(name => `${name}_temp_path ${at};`).join('\n')
  const file = join(at, 'nginx.conf')
  await writeFile(file, `pid ${at}/nginx.pid;\nworker_processes 1;\nevents {}\nhttp {\n${temporary}\n${filled}\n}\n`)
  const nginx = spawn('nginx', ['-p', at, '-c', file, '-e', 'stderr', '-g', 'daemon off;'], { stdio: 'inherit' })
  const ended = new Promise(resolve => nginx.once('close', resolve))
  const close = async () => {
    nginx.kill('SIGTERM')
    await ended
    await rm(at, { recursive: true, force: true })
  }
  for (let tries = 0; tries < 100; tries++) {
    const health = await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined)
    if (health?.ok) return { port, close }
    await wait(100)
  }
  await close()
  throw new Error('the gate did not open')
}

/** The first of compose.yml; the other is TensorRT-LLM's. */
async function routesOfVllm(): Promise<string> {
  const routes = /GATE_ROUTES: (\S+)\n/.exec(await readFile(join(folder, 'compose.yml'), 'utf8'))?.[1]
  if (routes === undefined) throw new Error('compose.yml has no GATE_ROUTES')
  return routes
}
