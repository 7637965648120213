import { type EngineContract, engineContract } from '@fusion/shared/contract/engine.ts'
import { connect } from '@fusion/shared/rpc/connect.ts'
import type { Client } from '@fusion/shared/rpc/contract.ts'
import { messagePort } from '@fusion/shared/rpc/message-port.ts'
import type { Config } from '../../engine/config.ts'
import { writeEngineFile } from '../../engine/engine-file.ts'
import { startEngine } from '../../engine/start-engine.ts'

export interface OwnEngine {
  fusion: Client<EngineContract>
  /** Resolves when the model files that lie here have been read. */
  modelsKnown: Promise<void>
  close(): Promise<void>
}

/** An engine in this process, for as long as the command runs. Throws what `startEngine` throws. */
export async function startOwnEngine(config: Config): Promise<OwnEngine> {
  const engine = await startEngine(config, { quiet: true })
  const forgetPlace = writeEngineFile(config.home, { holder: 'command', door: null })
  const { port1, port2 } = new MessageChannel()
  engine.servePage(messagePort(port1))
  const page = messagePort(port2)
  return {
    fusion: connect(engineContract, page),
    modelsKnown: engine.modelsKnown,
    async close() {
      page.close()
      forgetPlace()
      await engine.close()
    },
  }
}
