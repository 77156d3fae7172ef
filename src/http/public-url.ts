/** What the address of HTTP is made of. */
export interface HttpPlace {
  readonly host: string
  /** 0 is a free one. */
  readonly port: number
}

/** Every address of the machine, which nobody can connect to under this name. */
const EVERY_ADDRESS: ReadonlySet<string> = new Set(['0.0.0.0', '::'])

/** Where this machine reaches its own HTTP, without a slash at the end. */
export function originOf({ host, port }: HttpPlace): string {
  if (EVERY_ADDRESS.has(host)) return `http://localhost:${port}`
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/**
 * Base of the postback URLs that are shown to buyers, if the settings say it: `PUBLIC_URL`, or else
 * where HTTP listens. Undefined for a free port, or every address of the machine: only who asks knows
 * how to reach it then.
 */
export function publicUrlOf(
  publicUrl: string | undefined,
  { host, port }: HttpPlace,
): string | undefined {
  if (publicUrl !== undefined || port === 0 || EVERY_ADDRESS.has(host)) return publicUrl
  return originOf({ host, port })
}
