import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

export const repository = resolve(import.meta.dirname, '../..')

/** What benchmarks build and make once and keep: rivals and speed models. */
export const cacheFolder = process.env['FUSION_BENCH_CACHE'] ?? join(homedir(), '.cache', 'fusion-bench')

/** Where the server of the bench `cloud` writes a profile of its CPU time; none where nothing is said. */
export const profileFolder = process.env['FUSION_BENCH_PROFILE']
