import { Search, Server, Settings as SettingsIcon, SquarePen, Trash2, X } from 'lucide-react'
import { ModelFoot } from '../../models/model-foot.tsx'
import { showNewChat, showServer, showTrash } from '../open-chat.ts'
import { setView, useView } from '../../state/view.ts'
import { useReplica } from '../../state/replica.ts'
import { shortcutLabel } from '../../ui/shortcut.ts'
import { ChatList } from './chat-list.tsx'
import './sidebar.css'

export function Sidebar() {
  const screen = useView(view => view.screen)
  const inTrash = screen === 'trash'
  const trashed = useReplica(replica => Object.values(replica.chats).some(chat => chat.life === 'trash'))
  return (
    <nav className="sidebar" aria-label="Chats" id="sidebar">
      <div className="brand">
        <i className="mark" />
        Fusion
        <button
          type="button"
          className="icon new"
          aria-label="New chat"
          title={`New chat (${shortcutLabel('Shift+O')})`}
          onClick={showNewChat}
        >
          <SquarePen size={17} strokeWidth={1.8} aria-hidden />
        </button>
        <button type="button" className="icon narrow-only" aria-label="Close the list of chats" onClick={() => setView({ drawer: false })}>
          <X size={17} strokeWidth={1.8} aria-hidden />
        </button>
      </div>
      <button type="button" className="find" onClick={() => setView({ panel: 'search' })}>
        <Search size={15} strokeWidth={1.8} aria-hidden />
        Search everything
        <kbd>{shortcutLabel('K')}</kbd>
      </button>
      <ChatList />
      <div className="places">
        {(trashed || inTrash) && (
          <button type="button" className="place" aria-current={inTrash ? 'page' : undefined} onClick={showTrash}>
            <Trash2 size={15} strokeWidth={1.8} aria-hidden />
            Trash
          </button>
        )}
        <button type="button" className="place" aria-current={screen === 'server' ? 'page' : undefined} onClick={showServer}>
          <Server size={15} strokeWidth={1.8} aria-hidden />
          Server
        </button>
        <button type="button" className="place" onClick={() => setView({ panel: 'settings' })}>
          <SettingsIcon size={15} strokeWidth={1.8} aria-hidden />
          Settings
        </button>
      </div>
      <ModelFoot />
    </nav>
  )
}
