import { useEffect } from 'react'
import type { Settings } from '@fusion/shared/contract/settings.ts'

/** Sets the theme on the page; `system` follows the computer, also while it changes. */
export function useTheme(theme: Settings['theme'] | undefined): void {
  useEffect(() => {
    const dark = matchMedia('(prefers-color-scheme: dark)')
    const apply = () => {
      const chosen = theme === undefined || theme === 'system' ? (dark.matches ? 'dark' : 'light') : theme
      document.documentElement.dataset['theme'] = chosen
    }
    apply()
    dark.addEventListener('change', apply)
    return () => dark.removeEventListener('change', apply)
  }, [theme])
}
