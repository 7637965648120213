// Numbers and names as people read them.

/** "3.3 MB", "4.7 GB": by thousands, as the makers of disks and models count. */
export function size(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB']
  let unit = 0
  let value = bytes
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}

const backends: Record<string, string> = { cpu: 'processor', cuda: 'NVIDIA card', metal: 'Apple graphics', vulkan: 'graphics card' }

/** What computes, for people. */
export const backendName = (backend: string): string => backends[backend] ?? backend

/** "1 chat", "3 chats". */
export const count = (number: number, one: string, several = `${one}s`): string =>
  `${number.toLocaleString('en')} ${number === 1 ? one : several}`
