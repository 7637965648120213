const moments = new Intl.DateTimeFormat('en', {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
})
const days = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short', year: 'numeric' })

export const formatMoment = (at: number): string => moments.format(at)
export const formatDay = (at: number): string => days.format(at)
