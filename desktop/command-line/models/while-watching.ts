import type { Tools } from '../command.ts'
import type { OpenEngine } from '../engine/open-engine.ts'

/** Shows how far the engine is with the models that it checks and loads, while some work is done. */
export async function whileWatching<T>(
  fusion: OpenEngine['fusion'],
  { terminal }: Pick<Tools, 'terminal'>,
  work: () => Promise<T>,
): Promise<T> {
  const watching = new AbortController()
  const told = (async () => {
    for await (const { entries, arrivals } of fusion.models.watch({}, { signal: watching.signal })) {
      for (const { name, fraction, at } of arrivals) if (at === 'checking') terminal.progress(inPercent('Checking', name, fraction))
      for (const { file, state } of entries) if (state.at === 'loading') terminal.progress(inPercent('Loading', file.name, state.fraction))
    }
  })().catch(() => {})
  try {
    return await work()
  } finally {
    watching.abort()
    await told
    terminal.progress(undefined)
  }
}

const inPercent = (doing: string, name: string, fraction: number) => `${doing} ${name} … ${Math.round(fraction * 100)} %`
