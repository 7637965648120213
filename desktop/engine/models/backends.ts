import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Type, type Static } from 'typebox'
import { Value } from 'typebox/value'
import { Backend } from '@fusion/shared/contract/model.ts'
import { packageFolder } from './program.ts'

export interface Backends {
  /** In the order to try them. Those that failed on this machine before are left out; the CPU is always there. */
  toTry(): Backend[]
  /** Said before a backend is tried, so that one that takes the whole engine with it is noticed at the next start. */
  trying(backend: Backend): void
  /** The try is over, and the engine lives. */
  tried(backend: Backend): void
  /** It failed where another one then worked, so it was not the model's fault. */
  failed(backend: Backend): void
}

const Memory = Type.Object({
  /** Of node-llama-cpp: another one gets another chance. */
  version: Type.String(),
  failed: Type.Array(Backend),
  trying: Type.Union([Backend, Type.Null()]),
})
type Memory = Static<typeof Memory>

/** Packages with prebuilt libraries for graphics cards; they are a choice at installation, being 900 MB together. */
function installedBackends(): Backend[] {
  const { platform, arch } = process
  if (platform === 'darwin') return arch === 'arm64' ? ['metal', 'cpu'] : ['cpu']
  const name = `@node-llama-cpp/${platform === 'win32' ? 'win' : platform}-${arch}`
  const cards = (['cuda', 'vulkan'] as const).filter(card => packageFolder(`${name}-${card}`))
  return [...cards, 'cpu']
}

function libraryVersion(): string {
  const folder = packageFolder('node-llama-cpp')
  return folder ? (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }).version : ''
}

function read(file: string): Memory {
  const version = libraryVersion()
  const fresh = { version, failed: [], trying: null }
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'))
    return Value.Check(Memory, value) && value.version === version ? value : fresh
  } catch {
    return fresh
  }
}

/** What is installed, in the order to try it, and what of it did not work here. Changes nothing. */
export function backendsHere(file: string): { installed: Backend[]; failed: Backend[] } {
  return { installed: installedBackends(), failed: read(file).failed }
}

/** Remembers in `file` which backends did not work on this machine. */
export function createBackends({
  file,
  installed = installedBackends(),
}: {
  file: string
  installed?: readonly Backend[] | undefined
}): Backends {
  let memory = read(file)
  if (memory.trying) save({ failed: [...memory.failed, memory.trying], trying: null })

  function save(change: Partial<Memory>): void {
    memory = { ...memory, ...change }
    try {
      if (memory.failed.length === 0 && !memory.trying) rmSync(file, { force: true })
      else writeFileSync(file, JSON.stringify(memory))
    } catch {
      // A full or read-only disk: it is tried again at the next start, which costs time and no more.
    }
  }

  return {
    toTry: () => installed.filter(backend => backend === 'cpu' || !memory.failed.includes(backend)),
    trying(backend) {
      if (backend !== 'cpu') save({ trying: backend })
    },
    tried(backend) {
      if (backend !== 'cpu') save({ trying: null })
    },
    failed(backend) {
      if (backend !== 'cpu' && !memory.failed.includes(backend)) save({ failed: [...memory.failed, backend], trying: null })
    },
  }
}
