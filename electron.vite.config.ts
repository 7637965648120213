// For electron-vite's own commands (`npx electron-vite build`, `preview`). `npm start` builds the same parts one by one, by build/compile.ts,
// so that only what changed is built.
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'electron-vite'
import { loadConfigFromFile, mergeConfig } from 'vite'

export default defineConfig(async env => {
  // By its address, since electron-vite would copy what is imported by name into a file of another folder, and its paths would be wrong.
  const bundles = (await import(new URL('build/bundles.ts', import.meta.url).href)) as typeof import('./build/bundles.ts')
  const page = await loadConfigFromFile(env, bundles.pageConfigFile)
  const input = fileURLToPath(new URL('desktop/renderer/index.html', import.meta.url))
  return {
    main: bundles.nodeBundles.main,
    preload: bundles.nodeBundles.preload,
    renderer: mergeConfig(page?.config ?? {}, { build: { rolldownOptions: { input } } }),
  }
})
