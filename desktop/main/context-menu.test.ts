import { expect, test } from 'vitest'
import { contextMenuTemplate } from './context-menu.ts'

const editFlags = {
  canCut: true,
  canCopy: true,
  canPaste: false,
  canSelectAll: true,
  canUndo: false,
  canRedo: false,
  canDelete: true,
  canEditRichly: false,
}

test('a field offers what can be done there now', () => {
  expect(contextMenuTemplate({ isEditable: true, selectionText: '', editFlags })).toMatchObject([
    { role: 'cut', enabled: true },
    { role: 'copy', enabled: true },
    { role: 'paste', enabled: false },
    { type: 'separator' },
    { role: 'selectAll', enabled: true },
  ])
})

test('chosen text can be copied, and nowhere else is there a menu', () => {
  expect(contextMenuTemplate({ isEditable: false, selectionText: 'word', editFlags })).toMatchObject([{ role: 'copy' }])
  expect(contextMenuTemplate({ isEditable: false, selectionText: ' ', editFlags })).toEqual([])
})
