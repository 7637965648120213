// npm run bench -- NAME [--quick] [--json FILE] [--only PART]… [--seconds N]
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { api } from './api.ts'
import { cloud } from './cloud.ts'
import { gateway } from './gateway.ts'
import { local } from './local.ts'
import { describeMachine } from './machine.ts'
import { disturbedMeasurements } from './quiet.ts'
import { asTable, type Report } from './report.ts'
import { router } from './router.ts'

const benches = {
  local: { run: local, about: 'chat on this machine through the whole product, beside llama-server (8 minutes; --quick 90 seconds)' },
  cloud: { run: cloud, about: 'the cloud on one machine, beside bare routes on its database (5 minutes; --quick 1 minute)' },
  gateway: { run: gateway, about: 'what the cloud adds to a model server, beside a bare proxy and NGINX (7 minutes; --quick 2 minutes)' },
  api: { run: api, about: 'the local API over HTTP, beside llama-server (5 minutes; --quick 1 minute)' },
  router: { run: router, about: 'the choice of a server, beside others, on simulated servers (3 minutes; --quick 30 seconds)' },
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    only: { type: 'string', multiple: true, default: [] },
    seconds: { type: 'string' },
  },
})
const [name, ...rest] = positionals
if (name === undefined || rest.length > 0 || !(name in benches)) {
  if (name !== undefined) process.stderr.write(`There is no bench named ${[name, ...rest].join(' ')}.\n`)
  process.stdout.write('npm run bench -- NAME [--quick] [--json FILE] [--only PART] [--seconds N]\n\n')
  for (const [known, { about }] of Object.entries(benches)) process.stdout.write(`  ${known}: ${about}\n`)
  process.exit(name === undefined ? 0 : 1)
}

const machine = describeMachine()
const rows = await benches[name as keyof typeof benches].run({
  quick: values.quick,
  only: values.only,
  seconds: values.seconds === undefined ? undefined : Number(values.seconds),
  tell: measured => {
    for (const { what, ours, reference, unit, ratio, holds } of measured)
      process.stderr.write(
        `${what}: ${ours ?? '–'} ${unit}, reference ${reference ?? '–'}, ratio ${ratio ?? '–'}, holds: ${holds ?? 'no goal'}\n`,
      )
  },
})
const report: Report = { name, machine: { ...machine, disturbed: disturbedMeasurements() }, rows }
process.stdout.write(`\n${asTable(report)}`)
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(report, null, 2)}\n`)
