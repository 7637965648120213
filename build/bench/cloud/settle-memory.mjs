// Loaded into the server before its program: at SIGUSR2 it collects all garbage, so that its resident memory says what it holds.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = /** @type {() => void} */ (runInNewContext('gc'))
process.on('SIGUSR2', () => {
  collect()
  collect()
})
