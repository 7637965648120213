import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/**
 * Puts a file out of the kernel's page cache, so that the next reader meets the disk: `dd` then advises the kernel POSIX_FADV_DONTNEED for the
 * whole file, which needs no root. Written pages leave only once they are on disk, hence the sync. False where there is no GNU dd.
 */
export async function dropFromPageCache(path: string): Promise<boolean> {
  try {
    await execute('sync', [path])
    await execute('dd', [`if=${path}`, 'iflag=nocache', 'count=0'])
    return true
  } catch {
    return false
  }
}
