import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto'

/** Derives and checks the keys that open one leg of one call. @see behaviour B7 */
export interface CallKeys {
  /** The key of a leg: letters and digits, the same every time. */
  readonly derive: (callUuid: string, leg: number) => string
  /** The leg that this key opens, or undefined. Takes the same time for every key, known call or not. */
  readonly check: (callUuid: string, key: string) => number | undefined
}

export interface KeySecret {
  /** 1 to 1295; goes into the key, so that an older secret stays valid until it is taken away. */
  readonly version: number
  readonly secret: string
}

const KEY = /^([0-9a-z]{2})([0-9a-z]{2})([0-9a-f]{40})$/
const LEG_MAX = 36 ** 2 - 1

/**
 * Keys are a MAC over the call's UUID and the leg, 160 bits long; nothing about them is stored.
 * @param secrets newest first: the first derives, all of them are accepted
 */
export function createCallKeys(secrets: readonly KeySecret[]): CallKeys {
  const prepared = secrets.map(({ version, secret }) => ({
    version,
    secret: createSecretKey(secret, 'utf8'),
  }))
  const [newest] = prepared
  if (!newest) throw new RangeError('at least one call key secret is needed')
  const byVersion = new Map(prepared.map(({ version, secret }) => [version, secret]))

  return {
    derive(callUuid, leg) {
      if (leg < 1 || leg > LEG_MAX) throw new RangeError(`leg ${leg} is out of range`)
      return twoDigits(newest.version) + twoDigits(leg) + mac(newest.secret, callUuid, leg)
    },
    check(callUuid, key) {
      const [, version = '00', legText = '00', given = '0'.repeat(40)] = KEY.exec(key) ?? []
      const leg = Number.parseInt(legText, 36)
      const secret = byVersion.get(Number.parseInt(version, 36))
      const expected = mac(secret ?? newest.secret, callUuid, leg)
      const isEqual = timingSafeEqual(Buffer.from(given), Buffer.from(expected))
      return isEqual && secret !== undefined && leg > 0 ? leg : undefined
    },
  }
}

const twoDigits = (value: number): string => value.toString(36).padStart(2, '0')

const mac = (secret: KeyObject, callUuid: string, leg: number): string =>
  createHmac('sha256', secret).update(`${callUuid} ${leg}`).digest('hex').slice(0, 40)
