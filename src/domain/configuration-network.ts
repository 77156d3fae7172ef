import { z } from 'zod'

const ADDRESS_OR_RANGE = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()])

/** Whether the text is an IP address or a CIDR range, such as `203.0.113.0/24` or `2001:db8::/32`. */
export function isAddressOrRange(text: string): boolean {
  return ADDRESS_OR_RANGE.safeParse(text).success
}
