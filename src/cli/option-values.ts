import { InvalidArgumentError, Option } from 'commander'

/** Where something listens; an IPv6 address stands without brackets. */
export interface Address {
  readonly host: string
  readonly port: number
}

const PORT_MAX = 65_535
const WHOLE_MAX = 999_999_999

/** Reads an option's whole number within a range. @throws InvalidArgumentError naming the range */
export function wholeNumberParser({ from = 1, to = WHOLE_MAX } = {}): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : -1
    if (value >= from && value <= to) return value
    throw new InvalidArgumentError(
      to === WHOLE_MAX
        ? `Write a whole number from ${from} on.`
        : `Write a whole number from ${from} to ${to}.`,
    )
  }
}

/** Reads an option's `127.0.0.1:5060` or `[::1]:5060`. @throws InvalidArgumentError */
export function parseAddress(text: string): Address {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:\s]+)):(\d{1,5})$/.exec(text) ?? []
  const host = bracketed ?? plain
  const port = Number(digits)
  if (host !== undefined && port <= PORT_MAX) return { host, port }
  throw new InvalidArgumentError('Write an address as 127.0.0.1:5060.')
}

/** An option for an address; unless it is given, this port of this machine. */
export function addressOption(name: string, about: string, port: number): Option {
  return new Option(`${name} <host:port>`, about)
    .argParser(parseAddress)
    .default({ host: '127.0.0.1', port }, `127.0.0.1:${port}`)
}
