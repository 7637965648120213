import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

export const repository = resolve(import.meta.dirname, '../..')

/** What benchmarks build and make once and keep: rivals and speed models. */
export const cacheFolder = process.env['FUSION_BENCH_CACHE'] ?? join(homedir(), '.cache', 'fusion-bench')
