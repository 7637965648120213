import type { ModelEntry } from '@fusion/shared/contract/model.ts'
import { sentence } from '@fusion/shared/contract/failures.ts'
import { formatBytes } from '../ui/format.ts'

/** "Guide Q4_K_M"; a name that says its quantization already is not made to say it twice. */
export function modelName({ name, quantization }: Pick<ModelEntry['file'], 'name' | 'quantization'>): string {
  return name.toLowerCase().includes(quantization.toLowerCase()) ? name : `${name} ${quantization}`
}

/** "3.3 MB · Q4_K_M · ready": a model in small print. */
export function modelDetails({ file, state }: ModelEntry): string {
  return [formatBytes(file.bytes), file.quantization, stateWords(state)].filter(Boolean).join(' · ')
}

/** "on this computer · 4.9 GB · ready", or what went wrong with it. */
export function footWords({ file, state }: ModelEntry): string {
  if (state.at === 'failed') return sentence(state.failure).what
  return ['on this computer', formatBytes(file.bytes), state.at === 'ready' ? 'ready' : state.at === 'cold' ? '' : stateWords(state)]
    .filter(Boolean)
    .join(' · ')
}

function stateWords(state: ModelEntry['state']): string {
  switch (state.at) {
    case 'cold':
      return 'not loaded'
    case 'loading':
      return `loading ${Math.round(state.fraction * 100)} %`
    case 'ready':
      return `ready on ${state.loaded.backend === 'cpu' ? 'the CPU' : state.loaded.backend.toUpperCase()}`
    case 'failed':
      return sentence(state.failure).what
  }
}
