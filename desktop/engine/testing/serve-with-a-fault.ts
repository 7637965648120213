// The headless engine with a fault in it: a promise that fails with what somebody wrote, and that nobody waits for.
import { setTimeout as pause } from 'node:timers/promises'
import '../serve.ts'

void pause(0).then(() => {
  throw new Error('Zwetschgenknoedel')
})
