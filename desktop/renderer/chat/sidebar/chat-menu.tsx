import type { Conversation } from '@fusion/shared/chat/conversation.ts'
import { Ellipsis, FileDown, Folder, FolderPlus, FolderX, PencilLine, Pin, PinOff, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { exportChat, trashChat } from '../open-chat.ts'
import { ask, fusion } from '../../state/fusion.ts'
import { useReplica } from '../../state/replica.ts'
import { Menu, MenuItem } from '../../ui/menu.tsx'
import { byName } from './group-chats.ts'
import { NewFolder } from './new-folder.tsx'

interface ChatMenuProps {
  chat: Conversation
  onRename: () => void
}

/** What can be done with a chat, in the list and in its head. */
export function ChatMenu({ chat, onRename }: ChatMenuProps) {
  const [naming, setNaming] = useState(false)
  return (
    <>
      <Menu label={`More for ${chat.title}`} icon={Ellipsis} className="icon more">
        {close => {
          const and = (action: () => void) => () => {
            close()
            action()
          }
          return (
            <>
              <MenuItem icon={PencilLine} onSelect={and(onRename)}>
                Rename
              </MenuItem>
              <MenuItem
                icon={chat.pinned ? PinOff : Pin}
                onSelect={and(() => ask(fusion.chats.pin({ conversationId: chat.id, pinned: !chat.pinned })))}
              >
                {chat.pinned ? 'Unpin' : 'Pin'}
              </MenuItem>
              <MenuItem icon={FileDown} onSelect={and(() => ask(exportChat(chat.id)))}>
                Save as Markdown
              </MenuItem>
              <hr />
              <MoveTo chat={chat} close={close} />
              <MenuItem icon={FolderPlus} onSelect={and(() => setNaming(true))}>
                New folder…
              </MenuItem>
              <hr />
              <MenuItem icon={Trash2} danger onSelect={and(() => ask(trashChat(chat)))}>
                Delete
              </MenuItem>
            </>
          )
        }}
      </Menu>
      {naming && (
        <NewFolder
          onClose={() => setNaming(false)}
          onMade={folderId => ask(fusion.chats.moveToFolder({ conversationId: chat.id, folderId }))}
        />
      )}
    </>
  )
}

function MoveTo({ chat, close }: { chat: Conversation; close: () => void }) {
  const folders = useReplica(replica => replica.folders)
  const move = (folderId: string | null) => {
    close()
    ask(fusion.chats.moveToFolder({ conversationId: chat.id, folderId }))
  }
  return (
    <>
      {Object.values(folders)
        .filter(folder => folder.id !== chat.folderId)
        .toSorted((a, b) => byName.compare(a.name, b.name))
        .map(folder => (
          <MenuItem key={folder.id} icon={Folder} onSelect={() => move(folder.id)}>
            Move to {folder.name}
          </MenuItem>
        ))}
      {chat.folderId && (
        <MenuItem icon={FolderX} onSelect={() => move(null)}>
          Take out of the folder
        </MenuItem>
      )}
    </>
  )
}
