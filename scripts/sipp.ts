import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { isSippInstalled } from '../sip-scenarios/sipp.ts'

/** What has to be done for SIPp to be there. */
export type SippPlan =
  | { readonly kind: 'installed' }
  | { readonly kind: 'install'; readonly commands: readonly (readonly string[])[] }
  /** One sentence of what a person has to do. */
  | { readonly kind: 'impossible'; readonly sentence: string }

/** What is known of the machine. */
export interface Machine {
  readonly hasSipp: boolean
  /** Debian's packages of real SIP programs that two tests use; only those tests need them. */
  readonly missingPeers: readonly string[]
  /** Debian, Ubuntu and what is made of them. */
  readonly hasApt: boolean
  readonly isRoot: boolean
  /** Whether `sudo` works without asking for a password. */
  readonly hasSudo: boolean
}

/** How SIPp, and the SIP programs that it is joined by, get onto this machine if they are not there. */
export function planSipp({ hasSipp, missingPeers, hasApt, isRoot, hasSudo }: Machine): SippPlan {
  const packages = [...(hasSipp ? [] : ['sip-tester']), ...missingPeers]
  if (packages.length === 0) return { kind: 'installed' }
  const mayInstall = hasApt && (isRoot || hasSudo)
  if (hasSipp && !mayInstall) return { kind: 'installed' }
  if (!hasApt) {
    return {
      kind: 'impossible',
      sentence:
        'The tests need SIPp: install it ("brew install sipp" on macOS) and run them again.',
    }
  }
  if (!mayInstall) {
    return {
      kind: 'impossible',
      sentence:
        'The tests need SIPp: run "sudo apt-get install sip-tester" and then the tests again.',
    }
  }
  const become = isRoot ? [] : ['sudo', '-n']
  const apt = [...become, 'apt-get', '-o', 'DPkg::Lock::Timeout=300', '-y', '-q']
  return {
    kind: 'install',
    commands: [
      [...apt, 'update'],
      [...apt, 'install', '--no-install-recommends', ...packages],
    ],
  }
}

const PEERS = { 'baresip-core': '/usr/bin/baresip', kamailio: '/usr/sbin/kamailio' }

/** Makes sure that SIPp is there, showing what it does; a sentence for a person if it cannot. */
export function ensureSipp(): string | undefined {
  const plan = planSipp({
    hasSipp: isSippInstalled(),
    missingPeers: Object.entries(PEERS)
      .filter(([, path]) => !existsSync(path))
      .map(([name]) => name),
    hasApt: succeeds('apt-get', ['--version']),
    isRoot: process.getuid?.() === 0,
    hasSudo: succeeds('sudo', ['-n', 'true']),
  })
  switch (plan.kind) {
    case 'installed':
      return undefined
    case 'impossible':
      return plan.sentence
    case 'install': {
      const failed = plan.commands.find((command) => !runVisibly(command))
      return failed && `Programs could not be installed: see what "${failed.join(' ')}" says above.`
    }
  }
}

function runVisibly([program = '', ...args]: readonly string[]): boolean {
  process.stdout.write(`A program is missing: ${[program, ...args].join(' ')}\n`)
  return spawnSync(program, args, { stdio: 'inherit' }).status === 0
}

const succeeds = (program: string, args: readonly string[]): boolean =>
  spawnSync(program, args, { stdio: 'ignore' }).status === 0
