import { expect, it } from 'vitest'
import { leftovers } from '../../../src/cli/engine-rig/leftovers.ts'

const EMPTY = { dialogs: 0, connections: 0, sources: 0, applications: 0, names: 7, sockets: 3 }

it.each([
  { name: 'nothing in tables that are empty or keep what they know', tables: {}, found: [] },
  { name: 'a dialog', tables: { dialogs: 1 }, found: ['dialogs: 1'] },
  { name: 'a connection that nobody needs', tables: { connections: 2 }, found: ['connections: 2'] },
  { name: 'a source nobody knows of', tables: { sources: 1 }, found: ['sources: 1'] },
  { name: 'nothing in a table of as many as are known', tables: { applications: 1 }, found: [] },
  { name: 'one application too many', tables: { applications: 2 }, found: ['applications: 2'] },
  { name: 'a table that nobody has thought of', tables: { new: 1 }, found: ['new: 1'] },
])('finds $name', ({ tables, found }) => {
  expect(leftovers({ tables: { ...EMPTY, ...tables } }, { applications: 1 })).toEqual(found)
})
