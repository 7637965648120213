const units = ['bytes', 'kB', 'MB', 'GB', 'TB']

/** "4.9 GB": three digits at most, decimal units as file managers show them. */
export function formatBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return `${value < 9.95 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`
}

/** "31", "820", "2.7k", "128k": short enough for a line under an answer. */
export function formatCount(count: number): string {
  if (count < 1000) return String(Math.round(count))
  if (count < 9950) return `${(count / 1000).toFixed(1)}k`
  if (count < 999_500) return `${Math.round(count / 1000)}k`
  return `${(count / 1_000_000).toFixed(1)}M`
}

/** "340 ms", "2.1 s", "1 min 20 s". */
export function formatDuration(ms: number): string {
  if (ms < 950) return `${Math.round(ms)} ms`
  if (ms < 59_500) return `${ms < 9950 ? (ms / 1000).toFixed(1) : Math.round(ms / 1000)} s`
  const seconds = Math.round(ms / 1000)
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

/** "1 message", "12 messages". */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`
}

const times = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
const days = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'long' })
const daysAndYears = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'long', year: 'numeric' })

/** "today at 14:05", "November 24", "November 24, 2024": a point in time that does not go stale on the screen. */
export function formatMoment(at: number, today: Date): string {
  const day = new Date(at)
  if (day.toDateString() === today.toDateString()) return `today at ${times.format(day)}`
  return (day.getFullYear() === today.getFullYear() ? days : daysAndYears).format(day)
}
