import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { Type, type Static } from 'typebox'
import { Value } from 'typebox/value'

/** Where the window was, in the points of the displays; maximised, its bounds are those it returns to. */
export const WindowState = Type.Object({
  x: Type.Integer(),
  y: Type.Integer(),
  width: Type.Integer({ minimum: 1 }),
  height: Type.Integer({ minimum: 1 }),
  maximised: Type.Boolean(),
})
export type WindowState = Static<typeof WindowState>

export interface Area {
  x: number
  y: number
  width: number
  height: number
}

export const SMALLEST = { width: 360, height: 480 }
const USUAL = { width: 1120, height: 780 }

/** So much of the title bar has to lie on a display, or nobody could take hold of the window. */
const GRIP = { width: 120, height: 32 }

/** Where to open the window: as it was, if a display that is there now shows it; else in the middle, of usual size. */
export function placeWindow(state: WindowState | undefined, workAreas: Area[]): Partial<Area> & { width: number; height: number } {
  const area = state && workAreas.find(area => showsGrip(area, state))
  if (!area) {
    const [first = { x: 0, y: 0, ...USUAL }] = workAreas
    return { width: Math.min(USUAL.width, first.width), height: Math.min(USUAL.height, first.height) }
  }
  const width = Math.max(SMALLEST.width, Math.min(state.width, area.width))
  const height = Math.max(SMALLEST.height, Math.min(state.height, area.height))
  return { x: state.x, y: state.y, width, height }
}

function showsGrip(area: Area, { x, y, width }: WindowState): boolean {
  const shown = Math.min(x + width, area.x + area.width) - Math.max(x, area.x)
  return shown >= GRIP.width && y >= area.y && y + GRIP.height <= area.y + area.height
}

/** The state in `file`, or undefined where there is none that can be read. */
export function readWindowState(file: string): WindowState | undefined {
  try {
    const state: unknown = JSON.parse(readFileSync(file, 'utf8'))
    return Value.Check(WindowState, state) ? state : undefined
  } catch {
    return undefined
  }
}

/** What is watched of a window. */
export interface WatchedWindow {
  getNormalBounds(): Area
  isMaximized(): boolean
  on(event: 'resize' | 'move' | 'maximize' | 'unmaximize' | 'close' | 'closed', listener: () => void): unknown
}

/** Dragging a window sends an event for each frame. */
const SETTLED_MS = 500

/** Keeps the window's place in `file`: when it has come to rest, and when it closes. A file that can't be written costs only the place. */
export function keepWindowState(window: WatchedWindow, file: string): void {
  let timer: NodeJS.Timeout | undefined
  const save = () => {
    clearTimeout(timer)
    const state: WindowState = { ...window.getNormalBounds(), maximised: window.isMaximized() }
    try {
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(`${file}.new`, JSON.stringify(state))
      renameSync(`${file}.new`, file)
    } catch {
      // The next start opens in the middle.
    }
  }
  const saveSoon = () => {
    clearTimeout(timer)
    timer = setTimeout(save, SETTLED_MS)
  }
  window.on('resize', saveSoon)
  window.on('move', saveSoon)
  window.on('maximize', saveSoon)
  window.on('unmaximize', saveSoon)
  window.on('close', save)
  // Its last moves, on some systems, come after that: a window that is gone has no place.
  window.on('closed', () => clearTimeout(timer))
}
