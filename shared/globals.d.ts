// The few web-standard globals that Node, Electron and browsers all provide. shared/ may use these and nothing else,
// so it is compiled without DOM and Node types.
interface AbortSignal {
  readonly aborted: boolean
  readonly reason: unknown
  throwIfAborted(): void
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void
  removeEventListener(type: 'abort', listener: () => void): void
}
declare var AbortSignal: { any(signals: AbortSignal[]): AbortSignal; timeout(ms: number): AbortSignal }
declare class AbortController {
  readonly signal: AbortSignal
  abort(reason?: unknown): void
}
declare function setTimeout(callback: () => void, ms?: number): unknown
declare function clearTimeout(timer: unknown): void
declare const crypto: { getRandomValues(bytes: Uint8Array): Uint8Array }
declare class TextDecoder {
  constructor(encoding?: string, options?: { fatal?: boolean })
  decode(bytes?: Uint8Array, options?: { stream?: boolean }): string
}
declare class URL {
  constructor(url: string)
  readonly href: string
  readonly protocol: string
  readonly host: string
  readonly pathname: string
}
