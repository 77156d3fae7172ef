import { expect, it } from 'vitest'
import { type Machine, planSipp } from '../../scripts/sipp.ts'

const nothing: Machine = {
  hasSipp: false,
  missingPeers: [],
  hasApt: false,
  isRoot: false,
  hasSudo: false,
}

it.each([
  { name: 'does nothing where SIPp is installed', has: { hasSipp: true }, kind: 'installed' },
  { name: 'installs it as root on Debian', has: { hasApt: true, isRoot: true }, kind: 'install' },
  {
    name: 'leaves the other programs to the tests that need them, where it may not install',
    has: { hasSipp: true, missingPeers: ['kamailio'], hasApt: true },
    kind: 'installed',
  },
  { name: 'installs it with sudo', has: { hasApt: true, hasSudo: true }, kind: 'install' },
  { name: 'asks where it may not install', has: { hasApt: true }, kind: 'impossible' },
  { name: 'asks where there is no apt-get', has: { isRoot: true }, kind: 'impossible' },
])('$name', ({ has, kind }) => {
  expect(planSipp({ ...nothing, ...has }).kind).toBe(kind)
})

it('updates the package lists first and waits for others who install', () => {
  const has = { missingPeers: ['kamailio'], hasApt: true, hasSudo: true }
  const plan = planSipp({ ...nothing, ...has })
  expect(plan).toEqual({
    kind: 'install',
    commands: [
      'sudo -n apt-get -o DPkg::Lock::Timeout=300 -y -q update'.split(' '),
      'sudo -n apt-get -o DPkg::Lock::Timeout=300 -y -q install --no-install-recommends sip-tester kamailio'.split(
        ' ',
      ),
    ],
  })
})
