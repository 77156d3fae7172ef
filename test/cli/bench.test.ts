import { describe, expect, it } from 'vitest'
import { startCommand } from './support/command.ts'

describe('bridgeback bench', () => {
  it.each([
    {
      name: 'names the benches that there are',
      exits: 1,
      args: ['bench', 'nothing'],
      says: /^There is no bench "nothing": choose from calls(?:, [\w-]+)*\.\n$/,
    },
    {
      name: 'says how long a measurement may last',
      exits: 2,
      args: ['bench', '--seconds', '0'],
      says: /Write a whole number from 1 to 600\./,
    },
    {
      name: 'says what to install where SIPp is missing',
      exits: 1,
      args: ['bench', 'calls'],
      says: /The calls bench needs SIPp, which is not on PATH: install it with /,
    },
    {
      name: 'says how the address of a server is written',
      exits: 2,
      args: ['bench', 'engine', '--drachtio', 'localhost'],
      says: /Write an address as 127\.0\.0\.1:5060\./,
    },
  ])('$name and exits with $exits', async ({ args, exits, says }) => {
    const bench = startCommand(args, { PATH: '' })
    expect(await bench.exited).toBe(exits)
    expect(bench.errors()).toMatch(says)
    expect(bench.output()).toBe('')
  })

  it.each([
    { form: 'lines', args: ['--json'], prints: /^\{"bench":"routing","figure":"decision",.*\}\n/ },
    { form: 'a table', args: [], prints: /^routing\/decision +[\d.]+ +µs +limit /m },
  ])('prints as $form what was measured before a bench that fails', async ({ args, prints }) => {
    const bench = startCommand(['bench', 'routing', 'calls', '--seconds', '1', ...args], {
      PATH: '',
    })
    expect(await bench.exited).toBe(1)
    expect(bench.errors()).toMatch(/The calls bench needs SIPp/)
    expect(bench.output()).toMatch(prints)
  })
})
