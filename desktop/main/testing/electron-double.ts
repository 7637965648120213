// Small stand-ins for the parts of Electron that main uses: its binary cannot run in every place where the tests do. They keep to what
// Electron's documentation says of order and events; channels are real ones.
import { EventEmitter } from 'node:events'
import { type MessagePort, MessageChannel } from 'node:worker_threads'
import { PAGE_ORIGIN } from '@fusion/shared/contract/shell.ts'
import type { Electron } from '../electron.ts'

/** A MessagePortMain: an emitter whose messages are events. */
export class PortDouble extends EventEmitter {
  readonly port: MessagePort
  constructor(port: MessagePort) {
    super()
    this.port = port
    port.on('message', data => this.emit('message', { data, ports: [] }))
    port.on('close', () => this.emit('close'))
  }
  postMessage(message: unknown) {
    this.port.postMessage(message)
  }
  start() {
    this.port.start()
  }
  close() {
    this.port.close()
  }
}

class MessageChannelDouble {
  readonly port1: PortDouble
  readonly port2: PortDouble
  constructor() {
    const { port1, port2 } = new MessageChannel()
    this.port1 = new PortDouble(port1)
    this.port2 = new PortDouble(port2)
  }
}

let lastFrame = 0

export class FrameDouble {
  readonly frameTreeNodeId = ++lastFrame
  readonly received: { channel: string; ports: PortDouble[] }[] = []
  readonly parent: FrameDouble | null
  origin: string
  destroyed = false
  constructor(origin: string = PAGE_ORIGIN, parent: FrameDouble | null = null) {
    this.origin = origin
    this.parent = parent
  }
  isDestroyed() {
    return this.destroyed
  }
  postMessage(channel: string, _: unknown, ports: PortDouble[]) {
    this.received.push({ channel, ports })
  }
}

export class ContentsDouble extends EventEmitter {
  readonly mainFrame = new FrameDouble()
  reloads = 0
  destroyed = false
  openHandler: (details: { url: string }) => { action: string } = () => ({ action: 'allow' })
  webRtc = 'default'
  setWebRTCIPHandlingPolicy(policy: string) {
    this.webRtc = policy
  }
  setWindowOpenHandler(handler: typeof this.openHandler) {
    this.openHandler = handler
  }
  reload() {
    this.reloads++
  }
  isDestroyed() {
    return this.destroyed
  }
}

export class WindowDouble extends EventEmitter {
  readonly webContents = new ContentsDouble()
  readonly options: { width: number; height: number; x?: number; y?: number; webPreferences: Record<string, unknown> }
  readonly steps: string[] = []
  bounds = { x: 10, y: 20, width: 800, height: 600 }
  minimised = false
  maximised = false
  constructor(options: WindowDouble['options']) {
    super()
    this.options = options
  }
  loadURL(url: string) {
    this.steps.push(`load ${url}`)
    return Promise.resolve()
  }
  show() {
    this.steps.push('show')
  }
  focus() {
    this.steps.push('focus')
  }
  restore() {
    this.minimised = false
    this.steps.push('restore')
  }
  maximize() {
    this.maximised = true
    this.steps.push('maximise')
  }
  isMinimized() {
    return this.minimised
  }
  isMaximized() {
    return this.maximised
  }
  isDestroyed() {
    return this.webContents.destroyed
  }
  getNormalBounds() {
    return this.bounds
  }
  /** As when the person closes it. */
  close() {
    this.emit('close')
    this.webContents.destroyed = true
    this.emit('closed')
  }
}

export class EngineDouble extends EventEmitter {
  readonly pid: number
  readonly path: string
  readonly env: Record<string, string | undefined>
  readonly received: { type: string; ports: PortDouble[] }[] = []
  constructor(pid: number, path: string, env: Record<string, string | undefined>) {
    super()
    this.pid = pid
    this.path = path
    this.env = env
  }
  postMessage({ type }: { type: string }, ports: PortDouble[] = []) {
    this.received.push({ type, ports })
    this.emit('received', type)
  }
  kill() {
    this.emit('exit', 15)
    return true
  }
}

class AppDouble extends EventEmitter {
  readonly paths: Record<string, string> = {}
  readonly ready = Promise.withResolvers<void>()
  readonly quitted = Promise.withResolvers<void>()
  isFirst = true
  sandboxed = false
  quits = 0
  exitCode: number | undefined
  setName() {}
  setPath(name: string, path: string) {
    this.paths[name] = path
  }
  requestSingleInstanceLock() {
    return this.isFirst
  }
  enableSandbox() {
    this.sandboxed = true
  }
  whenReady() {
    return this.ready.promise
  }
  exit(code: number) {
    this.exitCode = code
    this.quitted.resolve()
  }
  /** As Electron does: before-quit, the windows close, will-quit, the end; `preventDefault` stops it there. */
  quit() {
    this.quits++
    const event = {
      prevented: false,
      preventDefault() {
        this.prevented = true
      },
    }
    this.emit('before-quit', event)
    this.emit('windows-close')
    if (!event.prevented) this.emit('will-quit', event)
    if (!event.prevented) this.quitted.resolve()
  }
}

type Answer = (details: unknown, answer: (response: unknown) => void) => void

class SessionDouble {
  permissionRequest: (contents: unknown, permission: string, answer: (granted: boolean) => void) => void = () => {}
  permissionCheck: (contents: unknown, permission: string, origin: string) => boolean = () => true
  device: () => boolean = () => true
  beforeRequest: Answer = () => {}
  readonly webRequest = { onBeforeRequest: (answer: Answer) => (this.beforeRequest = answer) }
  setPermissionRequestHandler(handler: typeof this.permissionRequest) {
    this.permissionRequest = handler
  }
  setPermissionCheckHandler(handler: typeof this.permissionCheck) {
    this.permissionCheck = handler
  }
  setDevicePermissionHandler(handler: () => boolean) {
    this.device = handler
  }
}

interface MenuEntry {
  role?: string
  label?: string
  submenu?: MenuEntry[]
  click?: () => void
}

/** Electron as far as main uses it, and all that was done to it. */
export function createElectronDouble() {
  const app = new AppDouble()
  const session = new SessionDouble()
  const ipcMain = new EventEmitter()
  const windows: WindowDouble[] = []
  const engines: EngineDouble[] = []
  const opened: string[] = []
  const questions: { message: string; detail?: string; buttons: string[] }[] = []
  const answers: number[] = []
  const schemes: { scheme: string; privileges: Record<string, boolean> }[] = []
  const handlers: Record<string, (request: Request) => Promise<Response>> = {}
  const double = {
    app,
    session,
    ipcMain,
    windows,
    engines,
    opened,
    questions,
    /** What the person will answer to the next questions; then the last button. */
    answers,
    schemes,
    handlers,
    menu: [] as MenuEntry[],
    electron: undefined as unknown as Electron,
  }
  const ask = (...given: unknown[]) => {
    const question = given.at(-1) as (typeof questions)[number]
    questions.push(question)
    return Promise.resolve({ response: answers.shift() ?? question.buttons.length - 1 })
  }
  double.electron = {
    app,
    ipcMain,
    session: { defaultSession: session },
    MessageChannelMain: MessageChannelDouble,
    BrowserWindow: class extends WindowDouble {
      constructor(options: WindowDouble['options']) {
        super(options)
        windows.push(this)
        app.on('windows-close', () => {
          if (!this.isDestroyed()) this.close()
        })
        app.emit('web-contents-created', {}, this.webContents)
      }
    },
    screen: { getAllDisplays: () => [{ workArea: { x: 0, y: 0, width: 1920, height: 1080 } }] },
    nativeTheme: { shouldUseDarkColors: false },
    dialog: { showMessageBox: ask },
    shell: { openExternal: (url: string) => Promise.resolve(opened.push(url)) },
    protocol: {
      registerSchemesAsPrivileged: (added: typeof schemes) => schemes.push(...added),
      handle: (scheme: string, handler: (request: Request) => Promise<Response>) => (handlers[scheme] = handler),
    },
    Menu: { buildFromTemplate: (template: MenuEntry[]) => template, setApplicationMenu: (menu: MenuEntry[]) => (double.menu = menu) },
    utilityProcess: {
      fork(path: string, _: string[], { env }: { env: Record<string, string | undefined> }) {
        const engine = new EngineDouble(engines.length + 1000, path, env)
        engines.push(engine)
        return engine
      },
    },
  } as unknown as Electron
  return double
}
