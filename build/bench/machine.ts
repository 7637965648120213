import { cpus, loadavg, platform, release, totalmem } from 'node:os'

/** Where figures were taken: without it they mean nothing. */
export interface Machine {
  cpu: string
  cores: number
  memoryGb: number
  system: string
  node: string
  /** When the run began, ISO 8601. */
  at: string
  /** Load average of the minute before: above 0.5 somebody else was at work, and the figures are worth less. */
  loadBefore: number
  /** Measurements that stand although other programs took more than a tenth of a core meanwhile; others were taken again. */
  disturbed: number
}

export function describeMachine(): Omit<Machine, 'disturbed'> {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()}`,
    node: process.versions.node,
    at: new Date().toISOString(),
    loadBefore: Math.round(loadavg()[0]! * 100) / 100,
  }
}
