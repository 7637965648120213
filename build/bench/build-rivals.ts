// npm run bench:rivals
import { buildRivals } from './rivals.ts'

for (const [name, path] of Object.entries(await buildRivals())) process.stdout.write(`${name}: ${path ?? 'missing'}\n`)
