import type { ContextMenuParams, MenuItemConstructorOptions, WebContents } from 'electron'
import type { Electron } from './electron.ts'

type Pressed = Pick<ContextMenuParams, 'isEditable' | 'selectionText' | 'editFlags'>

/** What can be done with the text that was pressed on; nothing at all where there is none. */
export function contextMenuTemplate({ isEditable, selectionText, editFlags }: Pressed): MenuItemConstructorOptions[] {
  if (isEditable) {
    return [
      { role: 'cut', enabled: editFlags.canCut },
      { role: 'copy', enabled: editFlags.canCopy },
      { role: 'paste', enabled: editFlags.canPaste },
      { type: 'separator' },
      { role: 'selectAll', enabled: editFlags.canSelectAll },
    ]
  }
  return selectionText.trim() ? [{ role: 'copy', enabled: editFlags.canCopy }] : []
}

/** Electron shows no menu by itself where browsers do. */
export function offerContextMenu({ Menu }: Pick<Electron, 'Menu'>, contents: WebContents): void {
  contents.on('context-menu', (_, pressed) => {
    const template = contextMenuTemplate(pressed)
    if (template.length > 0) Menu.buildFromTemplate(template).popup()
  })
}
