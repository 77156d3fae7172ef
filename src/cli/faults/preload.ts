/**
 * Loaded before the service by the fault harness, and by nothing else: puts the seeded bug that
 * `FAULTS_SEEDED_BUG` names into the module that it is for.
 */
import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { SEEDED_BUGS } from './seeded-bugs.ts'

const bug = SEEDED_BUGS.find(({ name }) => name === process.env['FAULTS_SEEDED_BUG'])
if (!bug) throw new Error(`there is no seeded bug ${process.env['FAULTS_SEEDED_BUG']}`)
const target = new URL(`../../${bug.file}`, import.meta.url).href

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context)
    if (url !== target) return loaded
    const source = readFileSync(new URL(url), 'utf8')
    if (!source.includes(bug.find)) throw new Error(`${bug.file} has changed: seed the bug anew`)
    return { ...loaded, source: source.replace(bug.find, () => bug.replace) }
  },
})
