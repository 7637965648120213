import { expect, test } from 'vitest'
import { readShellConfig } from './config.ts'

const surroundings = { appData: '/home/ada/.config', isPackaged: false, resourcesPath: '/opt/Fusion/resources', here: '/opt/app/out/main' }

test("the shell's own files lie in a folder of their own, beside or inside the data folder", () => {
  expect(readShellConfig({ ...surroundings, env: {} })).toEqual({
    userData: '/home/ada/.config/Fusion/shell',
    out: '/opt/app/out',
    engineEnvironment: {},
  })
  expect(readShellConfig({ ...surroundings, env: { FUSION_HOME: '/tmp/two' } }).userData).toBe('/tmp/two/shell')
})

test('a packaged engine is told where the models lie, unless the person says so', () => {
  const packaged = { ...surroundings, isPackaged: true }
  expect(readShellConfig({ ...packaged, env: {} }).engineEnvironment).toEqual({ FUSION_RESOURCES: '/opt/Fusion/resources' })
  expect(readShellConfig({ ...packaged, env: { FUSION_RESOURCES: '/mine' } }).engineEnvironment).toEqual({ FUSION_RESOURCES: '/mine' })
})
