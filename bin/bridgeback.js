#!/usr/bin/env node
// Plain JavaScript on purpose: an older Node must be able to read this far and say what is wrong.
const major = Number(process.versions.node.split('.')[0])
if (major < 24) {
  console.error(
    `bridgeback needs Node 24 or newer and this is Node ${process.versions.node}: ` +
      'run it through npm ("npm start", "npm run demo"), which uses the Node that "npm ci" installed, ' +
      'or install Node 24.',
  )
  process.exit(1)
}
const { main } = await import('../src/cli/main.ts')
await main(process.argv)
