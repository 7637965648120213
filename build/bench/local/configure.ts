import type { Fusion } from '../fusion.ts'
import type { Setting } from './setting.ts'

/** The settings under which both sides are compared. Before the model is loaded. */
export async function configure(fusion: Fusion, { threads, contextTokens }: Pick<Setting, 'threads' | 'contextTokens'>): Promise<void> {
  await fusion.client.settings.set({ threads, contextTokens, systemPrompt: '', sampling: { temperature: 0 } })
}
