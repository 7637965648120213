// The programs that benchmarks compare Fusion with: built from the very source that node-llama-cpp's own binaries were built from.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cacheFolder, repository } from './config.ts'

const bundleFolder = join(repository, 'node_modules', 'node-llama-cpp', 'llama')
const bundle = join(bundleFolder, 'gitRelease.bundle')

// Without OpenSSL, curl and the web UI it needs only a compiler and cmake, and nothing of the network.
const cmakeFlags = [
  '-DCMAKE_BUILD_TYPE=Release',
  '-DBUILD_SHARED_LIBS=OFF',
  '-DLLAMA_CURL=OFF',
  '-DLLAMA_OPENSSL=OFF',
  '-DLLAMA_BUILD_TESTS=OFF',
  '-DLLAMA_BUILD_UI=OFF',
]

export interface Rivals {
  /** Programs; undefined where it was not built yet. */
  llamaServer: string | undefined
  llamaQuantize: string | undefined
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  )

async function layout() {
  const { tag } = JSON.parse(await readFile(join(bundleFolder, 'llama.cpp.info.json'), 'utf8')) as { tag: string }
  const folder = join(cacheFolder, `llama.cpp-${tag}`)
  return { source: join(folder, 'src'), build: join(folder, 'build') }
}

const ifThere = async (path: string) => ((await exists(path)) ? path : undefined)

/** What stands ready in the cache. */
export async function findRivals(): Promise<Rivals> {
  const { build } = await layout()
  return {
    llamaServer: await ifThere(join(build, 'bin', 'llama-server')),
    llamaQuantize: await ifThere(join(build, 'bin', 'llama-quantize')),
  }
}

async function execute(command: string, args: string[]): Promise<void> {
  const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] })
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`${command} ended with ${code}`)
}

/** The source of llama.cpp, unpacked from node-llama-cpp's bundle where it is not there yet. */
async function unpackSource(): Promise<void> {
  const { source } = await layout()
  if (await exists(source)) return
  await mkdir(join(source, '..'), { recursive: true })
  const unfinished = `${source}.${process.pid}.part`
  await rm(unfinished, { recursive: true, force: true })
  // The bundle has one commit and no branch: HEAD, which is the tag of the folder's name.
  await execute('git', ['clone', '--quiet', bundle, unfinished])
  await rename(unfinished, source)
}

/**
 * The path of a GGUF file with Qwen2's tokenizer and no weights, taken from the source bundle into `folder` where it is not there yet.
 * Needs git; a second.
 */
export async function takeVocabulary(folder: string): Promise<string> {
  const path = join(folder, 'ggml-vocab-qwen2.gguf')
  if (await exists(path)) return path
  await mkdir(folder, { recursive: true })
  const unfinished = await mkdtemp(join(folder, 'vocabulary-'))
  try {
    const bare = join(unfinished, 'source.git')
    await execute('git', ['clone', '--quiet', '--bare', bundle, bare])
    const show = ['-C', bare, 'show', 'HEAD:models/ggml-vocab-qwen2.gguf']
    const { stdout } = await promisify(execFile)('git', show, { encoding: 'buffer', maxBuffer: 64 << 20 })
    await writeFile(join(unfinished, 'vocabulary'), stdout)
    await rename(join(unfinished, 'vocabulary'), path)
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
  return path
}

/** Builds what is not built yet; a build that was broken off goes on where it stopped. Needs git, cmake and a C++ compiler; 5 to 30 minutes. */
export async function buildRivals(): Promise<Rivals> {
  await unpackSource()
  const { source, build } = await layout()
  const rivals = await findRivals()
  if (rivals.llamaServer && rivals.llamaQuantize) return rivals
  await execute('cmake', ['-S', source, '-B', build, ...cmakeFlags])
  await execute('cmake', ['--build', build, '-j', String(availableParallelism()), '--target', 'llama-server', 'llama-quantize'])
  return findRivals()
}
