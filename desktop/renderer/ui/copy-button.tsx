import { useEffect, useState } from 'react'
import { writeClipboard } from './clipboard.ts'

/** Copies what `text` gives, and says so in its own place for two seconds. */
export function CopyButton({ text, label = 'Copy', className = 'quiet' }: { text: () => string; label?: string; className?: string }) {
  const [said, setSaid] = useState<'Copied' | 'Could not copy' | null>(null)
  useEffect(() => {
    if (!said) return
    const timer = setTimeout(() => setSaid(null), 2000)
    return () => clearTimeout(timer)
  }, [said])
  const copy = () =>
    writeClipboard(text()).then(
      () => setSaid('Copied'),
      () => setSaid('Could not copy'),
    )
  return (
    <button type="button" className={className} aria-label={said ?? label} onClick={() => void copy()}>
      {said ?? 'Copy'}
    </button>
  )
}
