import type { Root } from 'hast'
import { common, createLowlight } from 'lowlight'

const lowlight = createLowlight(common)
lowlight.registerAlias({ javascript: ['node'], ini: ['dotenv', 'conf'], plaintext: ['output', 'log'] })

/** The tree of coloured spans for code in a known language; null for an unknown one. */
export function highlight(language: string, code: string): Root | null {
  // What models call a shell is a script for one; the grammar of that name colours transcripts with prompts.
  const grammar = language === 'shell' || language === 'terminal' ? 'bash' : language
  return lowlight.registered(grammar) ? lowlight.highlight(grammar, code) : null
}
