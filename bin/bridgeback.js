#!/usr/bin/env node
// Plain JavaScript on purpose: an older Node must be able to read this far and say what is wrong.
const major = Number(process.versions.node.split('.')[0])
if (major < 24) {
  console.error(
    `bridgeback needs Node 24 or newer and this is Node ${process.versions.node}: ` +
      'run "npm ci", which brings one, and then everything through npm ("npm start", "npm run demo"), ' +
      'or install Node 24.',
  )
  process.exit(1)
}
const { main } = await import('../src/cli/main.ts').catch(
  (/** @type {NodeJS.ErrnoException} */ error) => {
    if (error.code !== 'ERR_MODULE_NOT_FOUND' || !/Cannot find package/.test(error.message))
      throw error
    console.error('The packages that bridgeback needs are not installed: run "npm ci".')
    process.exit(1)
  },
)
await main(process.argv)
