/** A small circle, filled by `fraction`. */
export function Ring({ fraction, full = false }: { fraction: number; full?: boolean }) {
  const shown = Math.max(0, Math.min(1, fraction))
  return (
    <svg className={full ? 'ring full' : 'ring'} viewBox="0 0 16 16" width="16" height="16" aria-hidden>
      <circle cx="8" cy="8" r="6.5" pathLength="100" />
      <circle cx="8" cy="8" r="6.5" pathLength="100" strokeDasharray={`${shown * 100} 100`} className="filled" />
    </svg>
  )
}
