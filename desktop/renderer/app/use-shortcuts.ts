import { useEffect } from 'react'
import { showNewChat } from '../chat/open-chat.ts'
import { setView, useView } from '../state/view.ts'
import { hasMainModifier } from '../ui/shortcut.ts'

/** Ctrl/⌘ K searches, Ctrl/⌘ Shift O begins a chat, Ctrl/⌘ comma opens the settings, Escape closes the drawer. */
export function useShortcuts(): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      const key = event.key.toLowerCase()
      if (key === 'escape' && useView.getState().drawer) return setView({ drawer: false })
      if (!hasMainModifier(event) || event.altKey) return
      if (key === 'k' && !event.shiftKey) setView({ panel: 'search' })
      else if (key === 'o' && event.shiftKey) showNewChat()
      else if (key === ',') setView({ panel: 'settings' })
      else return
      event.preventDefault()
    }
    window.addEventListener('keydown', onKeyDown)
    return () => window.removeEventListener('keydown', onKeyDown)
  }, [])
}
