import { join } from 'node:path'
import type { InlineConfig, UserConfig } from 'vite'
import type { Part } from './parts.mjs'

const root = join(import.meta.dirname, '..')

/** Packages that stay outside the bundles: they carry native code or read files beside them, or only Electron has them. */
export const unbundled = ['electron', 'electron-updater', 'better-sqlite3', '@napi-rs/keyring', 'node-llama-cpp', 'onnxruntime-node']

interface NodePartOptions {
  format?: 'es' | 'cjs'
  /** Programs of the engine that this part starts by their file, as the engine does. */
  ofEngine?: string[]
}

/**
 * A part that runs in Node, as ES modules in out/PART. Bundles, because Node that strips types itself takes 107 MB and 400 ms to begin
 * where a bundle of the same takes 68 MB and 95 ms.
 */
function nodePart(part: Part, entries: string[], { format = 'es', ofEngine = [] }: NodePartOptions = {}): UserConfig {
  const inputOf = (folder: Part) => (entry: string) => [entry, join(root, 'desktop', folder, `${entry}.ts`)]
  return {
    root,
    ssr: { noExternal: true, external: unbundled },
    build: {
      ssr: true,
      outDir: join(root, 'out', part),
      emptyOutDir: true,
      target: 'node24',
      minify: false,
      sourcemap: true,
      rolldownOptions: {
        input: Object.fromEntries([...entries.map(inputOf(part)), ...ofEngine.map(inputOf('engine'))]),
        external: unbundled,
        output: { format, entryFileNames: format === 'cjs' ? '[name].cjs' : '[name].js', chunkFileNames: '[name]-[hash].js' },
      },
    },
  }
}

export const nodeBundles = {
  engine: nodePart('engine', ['serve', 'child', 'storage/background']),
  inference: nodePart('inference', ['main', 'template-worker']),
  main: nodePart('main', ['main']),
  // Electron loads the preload of a sandboxed page as CommonJS only.
  preload: nodePart('preload', ['preload'], { format: 'cjs' }),
  'command-line': nodePart('command-line', ['main'], { ofEngine: ['storage/background'] }),
}

/** The configuration of a page lies with the page. */
export const pageConfigFile = join(root, 'desktop/renderer/vite.config.ts')
const dashboardConfigFile = join(root, 'cloud/dashboard/vite.config.ts')

/** How `part` is built. */
export function bundleOf(part: Part): InlineConfig {
  if (part === 'renderer') return { configFile: pageConfigFile }
  if (part === 'dashboard') return { configFile: dashboardConfigFile }
  return { ...nodeBundles[part], configFile: false }
}
