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
}

export function describeMachine(): Machine {
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
