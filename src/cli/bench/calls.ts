import { isSippInstalled } from '../../../sip-scenarios/sipp.ts'
import { AppError } from '../../domain/app-error.ts'
import { measureDelays } from './delays.ts'
import { measureRates } from './rates.ts'
import type { Bench } from './registry.ts'

/** Whole calls: how many, how quickly they reach the buyer, and how soon the ping follows the answer. */
export const callsBench: Bench = {
  name: 'calls',
  about:
    'calls a second, delay added to dialling, answer to ping; beside a bare drachtio-srf B2BUA',
  async run(options) {
    requireSipp()
    const delays = await measureDelays(options)
    const rates = await measureRates(options)
    return [...rates, ...delays]
  },
}

function requireSipp(): void {
  if (isSippInstalled()) return
  throw new AppError(
    'missing_program',
    'The calls bench needs SIPp, which is not on PATH: install it with "apt-get install ' +
      'sip-tester" (Debian, Ubuntu), "brew install sipp" (macOS), or from your system\'s packages.',
  )
}
