import { Menu } from 'lucide-react'
import { setView } from '../../state/view.ts'

/** Opens the list of chats as a drawer, where the window is too narrow to show it always. */
export function DrawerButton() {
  return (
    <button
      type="button"
      className="icon narrow-only"
      aria-label="Show chats"
      aria-controls="sidebar"
      onClick={() => setView({ drawer: true })}
    >
      <Menu size={18} strokeWidth={1.8} aria-hidden />
    </button>
  )
}
