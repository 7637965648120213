// Graphics cards as the system and their drivers tell of them. Starts no program but the driver's own.
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

export interface Card {
  name: string
  maker: 'nvidia' | 'other'
  /** Its own memory, where its driver tells. */
  bytes?: number
}

/** A driver that hangs is no reason to wait for it. */
const DRIVER_MS = 5000

export async function findCards(): Promise<Card[]> {
  const nvidia = await askNvidia()
  if (process.platform === 'linux') return [...nvidia, ...fromLinux().filter(({ maker }) => maker !== 'nvidia' || nvidia.length === 0)]
  if (process.platform === 'darwin' && process.arch === 'arm64')
    return [{ name: 'Apple graphics, in the memory of this computer', maker: 'other' }]
  return nvidia
}

async function askNvidia(): Promise<Card[]> {
  try {
    const args = ['--query-gpu=name,memory.total', '--format=csv,noheader,nounits']
    const { stdout } = await promisify(execFile)('nvidia-smi', args, { timeout: DRIVER_MS, windowsHide: true })
    return stdout.split('\n').flatMap(line => {
      const [name, mebibytes] = line.split(', ')
      return name && Number(mebibytes) > 0 ? [{ name, maker: 'nvidia' as const, bytes: Number(mebibytes) * 2 ** 20 }] : []
    })
  } catch {
    return []
  }
}

const makers: Record<string, string> = { '0x10de': 'NVIDIA', '0x1002': 'AMD', '0x8086': 'Intel' }

/** Of the PCI bus, all that is of the class "display"; made-up ones of virtual machines have none of these makers. */
function fromLinux(): Card[] {
  const folder = '/sys/bus/pci/devices'
  const read = (device: string, name: string) => readFileSync(join(folder, device, name), 'utf8').trim()
  try {
    return readdirSync(folder).flatMap(device => {
      const maker = makers[read(device, 'vendor')]
      if (!maker || !read(device, 'class').startsWith('0x03')) return []
      return [{ name: `${maker} graphics`, maker: maker === 'NVIDIA' ? ('nvidia' as const) : ('other' as const) }]
    })
  } catch {
    return []
  }
}
