import { basename, dirname, join } from 'node:path'

const pattern = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/i

/** The files of a model that is split over several (`name-00001-of-00003.gguf`), in order; one that is not is its own only part. */
export function partsOf(path: string): string[] {
  const match = pattern.exec(basename(path))
  if (!match) return [path]
  const count = Number(match[3])
  if (count < 1 || count > 999) return [path]
  return Array.from({ length: count }, (_, index) =>
    join(dirname(path), `${match[1]}-${String(index + 1).padStart(5, '0')}-of-${match[3]}.gguf`),
  )
}
