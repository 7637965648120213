import { createReceiver } from './receiver.ts'
import type { Port } from './wire.ts'

/** What a ChildProcess with an IPC channel and the `process` at the channel's other end have in common. */
export interface ProcessLike {
  readonly connected: boolean
  send?(message: unknown, callback: (error: Error | null) => void): boolean
  disconnect(): void
  on(event: 'message', listener: (message: unknown) => void): unknown
  on(event: 'disconnect' | 'error', listener: () => void): unknown
}

/**
 * A port over the IPC channel of a child process, for both of its ends. Spawn with `serialization: 'advanced'`. It ends when the channel
 * does (also by a crash) or when the child could not be started; ending the process stays with whoever spawned it.
 */
export function childProcessPort<Out>(process: ProcessLike): Port<unknown, Out> {
  const receiver = createReceiver()
  process.on('message', receiver.deliver)
  // Not 'exit': it can come before the last messages have been read.
  process.on('disconnect', receiver.end)
  process.on('error', receiver.end)
  if (!process.connected) receiver.end()
  return {
    post(message) {
      // The callback takes what goes wrong when the other side dies just now; without it, it would be an 'error' event or be thrown.
      if (!receiver.ended && process.connected) process.send?.(message, () => {})
    },
    onMessage: receiver.onMessage,
    onClose: receiver.onClose,
    close() {
      receiver.end()
      if (process.connected) process.disconnect()
    },
  }
}
