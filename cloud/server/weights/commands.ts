import { parseArgs } from 'node:util'
import { type Command, WrongUse } from '../command.ts'
import { withObjects } from '../objects/with-objects.ts'
import { createWeights } from './weights.ts'

const say = (text: string) => void process.stdout.write(`${text}\n`)
const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(bytes < 1e9 ? 3 : 1)} GB`

export const weightsCommands: Record<string, Command> = {
  weights: {
    usage:
      'weights add MODEL --revision REVISION [--quantization awq] FILE… | list | links MODEL --revision REVISION | remove MODEL --revision REVISION',
    about: 'Keeps the weights of models among the files of the cloud, for the machines that run them.',
    async run(words, config) {
      const { values, positionals } = parsed(words)
      const [what, model = '', ...files] = positionals
      const { revision = '', quantization = 'none' } = values
      if (what !== 'list' && (!model || !revision)) throw new WrongUse('Of which model, and which revision?')
      await withObjects(config, async objects => {
        const weights = createWeights({ objects, clock: Date.now })
        switch (what) {
          case 'add': {
            const added = await weights.add({ model, revision, quantization }, files, (name, size) => say(`${name} (${gigabytes(size)})`))
            say(`${added.files.length} files of ${model}, revision ${revision}, are kept.`)
            return
          }
          case 'list': {
            const all = await weights.list()
            for (const one of all) {
              const size = one.files.reduce((sum, file) => sum + file.size, 0)
              say(`${one.model}  ${one.revision}  ${one.quantization}  ${one.files.length} files  ${gigabytes(size)}`)
            }
            if (all.length === 0) say('There are no weights yet.')
            return
          }
          case 'links':
            for (const link of await weights.links(model, revision)) say(JSON.stringify(link))
            return
          case 'remove':
            await weights.remove(model, revision)
            say(`The weights of ${model}, revision ${revision}, are gone.`)
            return
          case undefined:
          default:
            throw new WrongUse(`Weights can be added, listed, linked to and removed, not "${what ?? ''}".`)
        }
      })
    },
  },
}

function parsed(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: { revision: { type: 'string' }, quantization: { type: 'string' } },
    })
  } catch (error) {
    throw new WrongUse(error instanceof Error ? error.message : String(error))
  }
}
