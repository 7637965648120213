import { useEffect, useState } from 'react'

/** How many of `total` things to render now: a first handful at once and the others over the next frames, so that no frame is long. */
export function useRevealed(total: number, first: number, step: number): number {
  const [shown, setShown] = useState(first)
  useEffect(() => {
    if (shown >= total) return
    const frame = requestAnimationFrame(() => setShown(count => count + step))
    return () => cancelAnimationFrame(frame)
  }, [shown, total, step])
  return Math.min(shown, total)
}
