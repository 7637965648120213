import { createTokenGuess } from '@fusion/shared/chat/token-guess.ts'
import { failure } from '@fusion/shared/contract/failures.ts'
import { newId } from '@fusion/shared/contract/ids.ts'
import { expect, onTestFinished, test } from 'vitest'
import { createAccount } from '../account/account.ts'
import { openKeptAccount } from '../account/kept-account.ts'
import { createCloud } from '../cloud/cloud.ts'
import { openDoor } from '../egress/door.ts'
import { createLog } from '../log.ts'
import { acquire, guideId, testModels } from '../models/testing/models.ts'
import { testFolder } from '../testing/test-engine.ts'
import { createHub } from './hub.ts'
import { createModelChoice } from './model-choice.ts'
import { createPromptPlanner } from './prompt-planner.ts'
import { createTurns } from './turns.ts'

test('a question whose answer cannot begin is kept: nobody is told to send it again, and it is answered at a press', async () => {
  const { models, storage, settings } = testModels()
  await models.scan()
  ;(await acquire(models, guideId)).release()
  let full = true
  const messages: typeof storage.messages = {
    ...storage.messages,
    begin(message) {
      if (full) throw failure('disk-full')
      storage.messages.begin(message)
    },
  }
  const parts = { models, settings: () => settings, hub: createHub(), log: createLog({ level: 'error', write: () => {} }) }
  const door = openDoor({ log: parts.log, privacyOf: () => undefined })
  const account = createAccount({ door, kept: openKeptAccount(await testFolder()), log: parts.log })
  const turns = createTurns({
    ...parts,
    storage: { ...storage, messages },
    choice: createModelChoice({ ...parts, modelsKnown: Promise.resolve() }),
    planner: createPromptPlanner({ ...parts, storage }),
    cloud: createCloud({ account, door, log: parts.log }),
    guess: createTokenGuess(),
  })
  onTestFinished(() => turns.close())
  const [conversationId, questionId] = [newId(), newId()]
  await turns.send({ conversationId, questionId, text: 'hello', attachments: [] })
  expect(storage.messages.get(questionId)).toMatchObject({ status: 'complete' })
  expect(turns.state(conversationId)).toMatchObject({ at: 'paused', queuedIds: [questionId] })
  await expect(turns.answer(conversationId, questionId)).rejects.toMatchObject({ code: 'disk-full' })
  full = false
  await turns.answer(conversationId, questionId)
  await expect.poll(() => turns.state(conversationId).at).toBe('idle')
  expect(storage.messages.childrenOf(questionId, conversationId).map(id => storage.messages.get(id)?.status)).toEqual(['complete'])
})
