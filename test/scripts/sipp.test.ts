import { expect, it } from 'vitest'
import { type Machine, planSipp } from '../../scripts/sipp.ts'

const nothing: Machine = { hasSipp: false, hasApt: false, isRoot: false, hasSudo: false }

it.each([
  { name: 'does nothing where SIPp is installed', has: { hasSipp: true }, kind: 'installed' },
  { name: 'installs it as root on Debian', has: { hasApt: true, isRoot: true }, kind: 'install' },
  { name: 'installs it with sudo', has: { hasApt: true, hasSudo: true }, kind: 'install' },
  { name: 'asks where it may not install', has: { hasApt: true }, kind: 'impossible' },
  { name: 'asks where there is no apt-get', has: { isRoot: true }, kind: 'impossible' },
])('$name', ({ has, kind }) => {
  expect(planSipp({ ...nothing, ...has }).kind).toBe(kind)
})

it('updates the package lists first and waits for others who install', () => {
  const plan = planSipp({ ...nothing, hasApt: true, hasSudo: true })
  expect(plan).toEqual({
    kind: 'install',
    commands: [
      'sudo -n apt-get -o DPkg::Lock::Timeout=300 -y -q update'.split(' '),
      'sudo -n apt-get -o DPkg::Lock::Timeout=300 -y -q install sip-tester'.split(' '),
    ],
  })
})
