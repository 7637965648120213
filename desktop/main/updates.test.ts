import { EventEmitter } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createElectronDouble } from './testing/electron-double.ts'
import { createQuietLog } from './testing/quiet-log.ts'
import { type Updater, watchForUpdates } from './updates.ts'

class UpdaterDouble extends EventEmitter {
  autoDownload = true
  readonly calls: string[] = []
  checkForUpdates() {
    this.calls.push('check')
    return Promise.resolve(null)
  }
  downloadUpdate() {
    this.calls.push('download')
    return Promise.resolve([])
  }
  quitAndInstall() {
    this.calls.push('install')
  }
}

async function watch({ isPackaged = true, isConfigured = true, answers = [] as number[] } = {}) {
  const double = createElectronDouble()
  double.answers.push(...answers)
  const updater = new UpdaterDouble()
  const log = createQuietLog()
  let loads = 0
  const updates = await watchForUpdates(double.electron, {
    isPackaged,
    isConfigured: () => isConfigured,
    load: () => {
      loads++
      return Promise.resolve(updater as unknown as Updater)
    },
    log,
  })
  updates?.close()
  return { ...double, updater, log, updates, loads }
}

test('a build that is not packaged, or names no place for updates, does not even load the updater', async () => {
  for (const options of [{ isPackaged: false }, { isConfigured: false }]) {
    const { loads, updates, log } = await watch(options)
    expect([loads, updates, log.events]).toEqual([0, undefined, []])
  }
})

test('it asks at the start, says in the log that it does, and downloads nothing by itself', async () => {
  const { updater, log } = await watch()
  expect(updater).toMatchObject({ calls: ['check'], autoDownload: false })
  expect(log.events).toEqual(['connection opened'])
})

test('an update is downloaded and installed only when the person says so', async () => {
  const later = await watch()
  later.updater.emit('update-available', { version: '2.0.0' })
  await setImmediate()
  expect(later.questions[0]).toMatchObject({ message: 'Fusion 2.0.0 is available.', buttons: ['Download', 'Later'] })
  expect(later.updater.calls).toEqual(['check'])

  const now = await watch({ answers: [0, 0] })
  now.updater.emit('update-available', { version: '2.0.0' })
  await setImmediate()
  now.updater.emit('update-downloaded', { version: '2.0.0' })
  await setImmediate()
  expect(now.updater.calls).toEqual(['check', 'download', 'install'])
  expect(now.log.events).toEqual(['connection opened', 'connection opened'])
})

test('only who asked is told that there is nothing new, or that it could not be found out', async () => {
  const { updater, updates, questions } = await watch()
  updater.emit('update-not-available', {})
  updater.emit('error', new Error('no network'))
  expect(questions).toEqual([])
  updates!.check()
  updater.emit('update-not-available', {})
  updates!.check()
  updater.emit('error', new Error('no network'))
  expect(questions.map(question => question.message)).toEqual(['This is the newest Fusion.', 'Fusion could not look for updates.'])
})
