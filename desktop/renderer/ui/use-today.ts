import { useEffect, useState } from 'react'

/** The present day, new at midnight: "Today" must not go stale in a window that stays open. */
export function useToday(): Date {
  const [now, setNow] = useState(() => new Date())
  useEffect(() => {
    const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1).getTime()
    const timer = setTimeout(() => setNow(new Date()), midnight - Date.now() + 1000)
    return () => clearTimeout(timer)
  }, [now])
  return now
}
