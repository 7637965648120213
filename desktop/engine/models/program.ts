import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** What an inference process is started with. */
export interface InferenceProgram {
  /** A Node of version 24 or later. */
  node: string
  script: string
}

/** Files that plain Node is to run cannot lie inside Electron's archive: the package keeps them beside it. */
const unpacked = (path: string) => path.replace(/([\\/])app\.asar([\\/])/, '$1app.asar.unpacked$2')

/** The nearest package of this name above here, as Node would find it. */
export function packageFolder(name: string): string | undefined {
  for (let folder = unpacked(import.meta.dirname); ; folder = dirname(folder)) {
    const found = join(folder, 'node_modules', name)
    if (existsSync(join(found, 'package.json'))) return found
    if (dirname(folder) === folder) return undefined
  }
}

const platformName = process.platform === 'win32' ? 'win' : process.platform

/** The Node that comes with Fusion; where npm has none for this machine, the one that runs this, if it is Node 24 and not Electron. */
function findNode(): string {
  const folder = packageFolder(`node-${platformName}-${process.arch}`)
  const packaged = folder && join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  if (packaged && existsSync(packaged)) return packaged
  const [major = 0] = process.versions.node.split('.').map(Number)
  if (!('electron' in process.versions) && major >= 24) return process.execPath
  throw new Error(`There is no Node 24 for ${platformName}-${process.arch} beside Fusion`)
}

/** The inference process of this build: its source beside the source, its bundle beside the bundle. */
export function inferenceProgram(): InferenceProgram {
  const here = unpacked(import.meta.dirname)
  const source = join(here, '../../inference/main.ts')
  return { node: findNode(), script: existsSync(source) ? source : join(here, '../inference/main.js') }
}
