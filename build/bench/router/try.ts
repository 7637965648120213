import { climb } from './ladder.ts'
import { shape, stages, measured } from './published.ts'
import { fusion } from './fusion-policy.ts'
import * as rivals from './rivals.ts'
const fresh = process.argv[2] === 'fresh'
const all = { fusion: fusion(), random: rivals.random, rr: rivals.roundRobin, least: rivals.leastLoaded, stack: rivals.productionStack(), stack1s: rivals.productionStack(1000), llmd: rivals.llmdPrecise(), llmd1s: rivals.llmdPrecise({lookMs: 1000, speculative: false}), token: rivals.llmdTokenLoad }
for (const [name, policy] of Object.entries(all)) {
  const t = performance.now()
  const r = climb(policy, shape, { seed: 1, stages, fresh })
  console.log(name.padEnd(8), r.map(f => `${f.tokens.toFixed(0)}/${f.p90.toFixed(2)}/${f.cached.toFixed(2)}`).join('  '), ((performance.now()-t)/1000).toFixed(1)+'s')
}
console.log('published', Object.entries(measured).map(([k,m]) => k+': '+m.roundRobin+' '+m.llmd).join('  '))
