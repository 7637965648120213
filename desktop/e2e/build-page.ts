import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')

/** Builds the page and the dashboard where their sources changed. The build scripts are plain JavaScript for any Node, outside this project's types. */
export default async function buildPage(): Promise<void> {
  const { ensureBuilt } = (await import(join(root, 'build/ensure-built.mjs'))) as {
    ensureBuilt(root: string, parts: string[]): Promise<void>
  }
  await ensureBuilt(root, ['renderer', 'dashboard'])
}
