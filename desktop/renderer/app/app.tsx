import { lazy, Suspense, useEffect } from 'react'
import { Search } from '../chat/search/search.tsx'
import { ChatView } from '../chat/chat-view.tsx'
import { Sidebar } from '../chat/sidebar/sidebar.tsx'
import { TrashView } from '../chat/sidebar/trash-view.tsx'
import { UndoBar } from '../chat/sidebar/undo-bar.tsx'
import { useReplica } from '../state/replica.ts'
import { setView, useView } from '../state/view.ts'
import { useTheme } from '../ui/theme.ts'
import { DropZone } from './drop-zone.tsx'
import { useShortcuts } from './use-shortcuts.ts'

// Panels and the server come when they are first opened: the chat is on screen before them. (Not the search: what is typed after its keys belongs to it.)
const SettingsPanel = lazy(() => import('../settings/settings-panel.tsx').then(module => ({ default: module.SettingsPanel })))
const ServerView = lazy(() => import('../server/server-view.tsx').then(module => ({ default: module.ServerView })))
const ChatSettings = lazy(() => import('../settings/chat-settings.tsx').then(module => ({ default: module.ChatSettings })))
const AddModel = lazy(() => import('../models/add-model.tsx').then(module => ({ default: module.AddModel })))

export function App() {
  const locked = useView(view => view.locked)
  const drawer = useView(view => view.drawer)
  const theme = useReplica(replica => replica.settings?.theme)
  const title = useReplica(replica => replica.open?.conversation?.title)
  useTheme(theme)
  useShortcuts()
  useEffect(() => {
    document.title = title ? `${title} · Fusion` : 'Fusion'
  }, [title])
  if (locked) return <Locked />
  return (
    <DropZone>
      <div className={drawer ? 'app drawer-open' : 'app'}>
        <Sidebar />
        {/* The press beside the drawer has a keyboard twin: Escape. */}
        {/* oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-static-element-interactions */}
        {drawer && <div className="shade" onClick={() => setView({ drawer: false })} />}
        <Screen />
        <UndoBar />
      </div>
      <Panels />
    </DropZone>
  )
}

function Screen() {
  const screen = useView(view => view.screen)
  if (screen === 'trash') return <TrashView />
  if (screen === 'chat') return <ChatView />
  return (
    <Suspense fallback={<main className="screen" />}>
      <ServerView />
    </Suspense>
  )
}

function Panels() {
  const panel = useView(view => view.panel)
  return (
    <Suspense>
      {panel === 'search' && <Search />}
      {panel === 'settings' && <SettingsPanel />}
      {panel === 'chat-settings' && <ChatSettings />}
      {panel === 'add-model' && <AddModel />}
    </Suspense>
  )
}

/** A window without a token, or one whose engine was started anew with another: that one goes on by itself once any window was let in. */
function Locked() {
  const before = useReplica(replica => replica.app !== null)
  return (
    <main className="locked">
      <i className="mark large" />
      <h1>{before ? 'Fusion was started again' : 'This window is not let in yet'}</h1>
      <p>
        Open Fusion by the address that is printed in the terminal: it begins with http://127.0.0.1 and ends with a token.
        {before && ' This window then goes on where it was; what you typed is kept.'}
      </p>
    </main>
  )
}
