// gate.conf.template, filled in as NGINX's image fills it in.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

const folder = join(import.meta.dirname, '..')

/** What compose.yml lets through, for vLLM and for TensorRT-LLM. */
export async function gateRoutes(): Promise<string[]> {
  const text = await readFile(join(folder, 'compose.yml'), 'utf8')
  return [...text.matchAll(/GATE_ROUTES: (\S+)\n/g)].map(([, routes]) => routes!)
}

/** The whole configuration of an NGINX that keeps everything in one folder. */
export async function fillGate(gate: {
  gatePort: string
  serverPort: number
  key: string
  routes: string
}): Promise<(folder: string) => string> {
  const values: Record<string, string> = {
    GATE_PORT: gate.gatePort,
    SERVER_PORT: String(gate.serverPort),
    MODEL_SERVER_KEY: gate.key,
    GATE_ROUTES: gate.routes,
  }
  const template = await readFile(join(folder, 'gate.conf.template'), 'utf8')
  const filled = template.replaceAll(/\$\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole)
  return at => {
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(name => `${name}_temp_path ${at};`).join('\n')
    return `pid ${join(at, 'nginx.pid')};\nworker_processes 1;\nevents {}\nhttp {\n${temporary}\n${filled}\n}\n`
  }
}
