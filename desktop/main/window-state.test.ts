import { EventEmitter } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { keepWindowState, placeWindow, readWindowState, type WindowState } from './window-state.ts'

const screen = { x: 0, y: 0, width: 1920, height: 1080 }
const left = { x: -1280, y: 0, width: 1280, height: 1024 }
const state: WindowState = { x: 100, y: 80, width: 900, height: 700, maximised: false }

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'fusion-window-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

test('a window comes back where it was', () => {
  expect(placeWindow(state, [screen])).toEqual({ x: 100, y: 80, width: 900, height: 700 })
  expect(placeWindow({ ...state, x: -1200 }, [screen, left])).toEqual({ x: -1200, y: 80, width: 900, height: 700 })
})

test('a window whose display is gone opens in the middle of those that are there', () => {
  const usual = { width: 1120, height: 780 }
  expect(placeWindow({ ...state, x: -1200 }, [screen])).toEqual(usual)
  expect(placeWindow({ ...state, x: 1900 }, [screen])).toEqual(usual)
  expect(placeWindow({ ...state, y: -300 }, [screen])).toEqual(usual)
  expect(placeWindow({ ...state, y: 1070 }, [screen])).toEqual(usual)
  expect(placeWindow(undefined, [screen])).toEqual(usual)
  expect(placeWindow(undefined, [])).toEqual(usual)
})

test('no window is larger than its display, or too small to use', () => {
  expect(placeWindow({ ...state, width: 9000, height: 9000 }, [screen])).toMatchObject({ width: 1920, height: 1080 })
  expect(placeWindow({ ...state, width: 200, height: 1 }, [screen])).toMatchObject({ width: 360, height: 480 })
  expect(placeWindow(undefined, [{ ...screen, width: 800, height: 600 }])).toEqual({ width: 800, height: 600 })
})

test.each([
  '',
  '{',
  'null',
  '[]',
  '{"x":1}',
  '{"x":0,"y":0,"width":0,"height":9,"maximised":false}',
  '{"x":"0","y":0,"width":9,"height":9,"maximised":1}',
])('a file that holds %j is as good as none', text => {
  const file = join(newFolder(), 'window.json')
  expect(readWindowState(file)).toBeUndefined()
  writeFileSync(file, text)
  expect(readWindowState(file)).toBeUndefined()
})

function watched(file: string) {
  const window = Object.assign(new EventEmitter(), {
    getNormalBounds: () => ({ x: 1, y: 2, width: 800, height: 600 }),
    isMaximized: () => true,
  })
  keepWindowState(window, file)
  return window
}

test('the place is kept when the window has come to rest, and when it closes', () => {
  const file = join(newFolder(), 'shell/window.json')
  const window = watched(file)
  window.emit('move')
  vi.advanceTimersByTime(400)
  window.emit('resize')
  vi.advanceTimersByTime(400)
  expect(existsSync(file)).toBe(false)
  vi.advanceTimersByTime(100)
  expect(readWindowState(file)).toEqual({ x: 1, y: 2, width: 800, height: 600, maximised: true })

  writeFileSync(file, '')
  window.emit('close')
  expect(readFileSync(file, 'utf8')).toContain('"width":800')
})

test('a folder that cannot be written costs only the place', () => {
  const blocked = join(newFolder(), 'file')
  writeFileSync(blocked, '')
  expect(() => watched(join(blocked, 'window.json')).emit('close')).not.toThrow()
})
