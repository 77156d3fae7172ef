import { userInfo } from 'node:os'
import type { Actor } from '../domain/audit.ts'

/** Who has started this command, for the record: the user of the machine. */
export function operator(): Actor {
  return { kind: 'cli', name: userName() }
}

/** A container may run as a user that has a number and no name. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`
  }
}
