#!/usr/bin/env node
// What npm links as `fusion`: the bootstrap with the script that it goes on with.
process.argv.splice(2, 0, 'build/command-line.mjs')
await import('./bootstrap.mjs')
