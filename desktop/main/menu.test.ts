import { expect, test } from 'vitest'
import { menuTemplate } from './menu.ts'

const roles = (platform: NodeJS.Platform) => menuTemplate({ platform }).map(({ role }) => role)

test('the menus are those of the system', () => {
  expect(roles('linux')).toEqual(['fileMenu', 'editMenu', 'viewMenu', 'windowMenu', 'help'])
  expect(roles('win32')).toEqual(roles('linux'))
  expect(roles('darwin')).toEqual(['appMenu', 'fileMenu', 'editMenu', 'viewMenu', 'windowMenu'])
})

test('updates are looked for under Help', () => {
  const help = menuTemplate({ platform: 'darwin', checkForUpdates() {} }).at(-1)
  expect(help).toMatchObject({ role: 'help', submenu: [{ label: 'Check for Updates…' }] })
})
