import { Ellipsis, FolderX, PencilLine } from 'lucide-react'
import { ask, fusion } from '../../state/fusion.ts'
import { Menu, MenuItem } from '../../ui/menu.tsx'

export function FolderMenu({ folderId, onRename }: { folderId: string; onRename: () => void }) {
  return (
    <Menu label="More for this folder" icon={Ellipsis} className="icon more">
      {close => (
        <>
          <MenuItem
            icon={PencilLine}
            onSelect={() => {
              close()
              onRename()
            }}
          >
            Rename
          </MenuItem>
          <MenuItem
            icon={FolderX}
            onSelect={() => {
              close()
              ask(fusion.folders.remove({ folderId }))
            }}
          >
            Remove the folder, keep its chats
          </MenuItem>
        </>
      )}
    </Menu>
  )
}
