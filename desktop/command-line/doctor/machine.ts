import { availableParallelism, cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { backendsHere } from '../../engine/models/backends.ts'
import { inferenceProgram } from '../../engine/models/program.ts'
import { backendName, count, size } from '../in-words.ts'
import { findCards } from './cards.ts'
import type { Finding, Look, Problem } from './finding.ts'

/** What there is to compute with, and what of it Fusion uses. */
export async function lookAtMachine({ config }: Look): Promise<Finding> {
  const cards = await findCards()
  const { installed, failed } = backendsHere(join(config.home, 'backends.json'))
  const used = installed.find(backend => !failed.includes(backend)) ?? 'cpu'
  const problems: Problem[] = []
  const facts: Finding['facts'] = [
    ['Processor', `${cpus()[0]?.model.trim() ?? 'unknown'}, ${count(availableParallelism(), 'core')}`],
    ['Memory', `${size(totalmem())}, ${size(process.availableMemory())} free`],
    ['Graphics', cards.length > 0 ? cards.map(({ name, bytes }) => (bytes ? `${name}, ${size(bytes)}` : name)).join('; ') : 'none found'],
    ['Computes on', backendName(used)],
  ]
  if (failed.length > 0) {
    facts.push(['Set aside', failed.map(backendName).join(', ')])
    problems.push({
      what: `The ${failed.map(backendName).join(' and the ')} did not work on this computer (${failed.join(', ')}), so Fusion uses the ${backendName(used)}.`,
      next: `Update its driver, then delete ${join(config.home, 'backends.json')} to let Fusion try it again.`,
    })
  }
  const nvidia = cards.find(({ maker }) => maker === 'nvidia')
  if (nvidia && !installed.some(backend => backend === 'cuda' || backend === 'vulkan')) {
    problems.push({
      what: `The part of Fusion for the ${nvidia.name} is not installed, so it uses the processor, which is many times slower.`,
      next: 'Run "fusion serve" once while you are online and FUSION_GPU is not "none": it fetches that part.',
    })
  }
  try {
    inferenceProgram()
  } catch (error) {
    problems.push({
      what: `Models cannot run: ${error instanceof Error ? error.message : 'their program is not there'}.`,
      next: 'Install Node 24 or newer from https://nodejs.org, then start again.',
    })
  }
  return { name: 'machine', title: 'This computer', facts, problems }
}
