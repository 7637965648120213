// Who holds the data folder, and how this person's other programs reach it: `engine.json` in the folder, readable for its owner alone.
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Type, type Static } from 'typebox'
import { Value } from 'typebox/value'

export const EngineFile = Type.Object({
  pid: Type.Integer({ minimum: 1 }),
  /** `serve`, and `window`, the app in its own window, let the command line in. `command`, another command that ends by itself, does not. */
  holder: Type.Union([Type.Literal('serve'), Type.Literal('window'), Type.Literal('command')]),
  /** A port on 127.0.0.1 or a local socket, and the token for it. Who can read this file may use it, and nobody else. */
  door: Type.Union([
    Type.Object({ port: Type.Integer({ minimum: 1, maximum: 65_535 }), token: Type.String() }),
    Type.Object({ socket: Type.String(), token: Type.String() }),
    Type.Null(),
  ]),
})
export type EngineFile = Static<typeof EngineFile>

const fileIn = (folder: string) => join(folder, 'engine.json')

/** Says that this process holds the folder. What it gives takes the file away again. One that can't be written is no reason to fail. */
export function writeEngineFile(folder: string, { holder, door }: Omit<EngineFile, 'pid'>): () => void {
  const file = fileIn(folder)
  const fresh = `${file}.${process.pid}`
  try {
    // A file that an earlier process left keeps its rights when it is written over: so a new one, moved into place whole.
    rmSync(fresh, { force: true })
    writeFileSync(fresh, JSON.stringify({ pid: process.pid, holder, door } satisfies EngineFile), { mode: 0o600, flag: 'wx' })
    renameSync(fresh, file)
  } catch {
    rmSync(fresh, { force: true })
    return () => {}
  }
  return () => {
    if (readEngineFile(folder)?.pid === process.pid) rmSync(file, { force: true })
  }
}

/** What the file says. It can be of a process that was killed: only while the folder is held (`isFolderHeld`) it is to be believed. */
export function readEngineFile(folder: string): EngineFile | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(fileIn(folder), 'utf8'))
    return Value.Check(EngineFile, value) ? value : undefined
  } catch {
    return undefined
  }
}

/** For the holder of the folder: what an earlier one left names a port that may be anybody's by now. */
export function removeEngineFile(folder: string): void {
  rmSync(fileIn(folder), { force: true })
}
