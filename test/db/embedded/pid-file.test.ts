import { describe, expect, it } from 'vitest'
import { isPostmasterCommand, parsePidFile } from '../../../src/db/embedded/pid-file.ts'

const LINES = [
  '4711',
  '/d/cluster',
  '1772366400',
  '5432',
  '/d/socket',
  '',
  ' 12 34',
  'ready   ',
  '',
]

describe('parsePidFile', () => {
  const running = { pid: 4711, port: 5432, socketFolder: '/d/socket', isReady: true }

  it.each([
    ['a server that accepts connections', LINES.join('\n'), running],
    [
      'one that is still starting',
      LINES.with(7, 'starting').join('\n'),
      { ...running, isReady: false },
    ],
    [
      'one that has not yet written where it listens',
      '4711\n/d/cluster\n1772366400\n5432\n',
      { pid: 4711, port: 5432, socketFolder: '', isReady: false },
    ],
    ['one in single-user mode, which nobody can connect to', '-4711\n/d/cluster\n', undefined],
    ['an empty file, of a server killed while it wrote it', '', undefined],
  ])('reads %s', (_, text, expected) => {
    expect(parsePidFile(text)).toEqual(expected)
  })
})

describe('isPostmasterCommand', () => {
  it.each([
    ['a server of this cluster', '/p/postgres\0-D\0/d/cluster\0-c\0fsync=on\0', true],
    ['a server of another cluster', '/p/postgres\0-D\0/e/cluster\0', false],
    ['a server of a cluster whose name begins like this', '/p/postgres\0-D\0/d/cluster2\0', false],
    ['a child of a server', 'postgres: bridgeback bridgeback [local] idle', false],
    ['a program that looks at the cluster', 'pg_ctl\0-D\0/d/cluster\0status\0', false],
    ['a process that got its pid', 'sleep\u0000600\0', false],
    ['a server, as ps shows it', '/p q/postgres -D /d/cluster -c fsync=on', true],
    ['a server without settings, as ps shows it', '/p/postgres -D /d/cluster', true],
    ['another program, as ps shows it', 'less +F -D /d/cluster', false],
  ])('recognises %s', (_, command, expected) => {
    expect(isPostmasterCommand(command, '/d/cluster')).toBe(expected)
  })
})
