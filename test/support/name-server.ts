import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { onTestFinished } from 'vitest'

/** Records of a name, an error code of DNS (3: no such name), or no answer at all. */
export type NameAnswer = readonly NameRecord[] | number | 'silence'

/** An address; or where a service is, with priority, weight and port; or which services there are. */
export type NameRecord =
  | string
  | { readonly srv: readonly [priority: number, weight: number, port: number, target: string] }
  | {
      readonly naptr: readonly [order: number, preference: number, service: string, next: string]
    }

const TYPE_A = 1
const TYPE_AAAA = 28
const TYPE_SRV = 33
const TYPE_NAPTR = 35

/** A name server on loopback that answers as told; gives its `address:port`. */
export async function startNameServer(answer: (name: string) => NameAnswer): Promise<string> {
  const socket = createSocket('udp4')
  socket.on('message', (query, { port, address }) => {
    const reply = buildReply(query, answer)
    if (reply) socket.send(reply, port, address)
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    socket.close()
  })
  return `127.0.0.1:${socket.address().port}`
}

/** @see RFC 1035 §4.1 */
function buildReply(query: Buffer, answer: (name: string) => NameAnswer): Buffer | undefined {
  const labels: string[] = []
  let at = 12
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  const type = query.readUInt16BE(at + 1)
  const question = query.subarray(12, at + 5)
  const found = answer(labels.join('.'))
  if (found === 'silence') return undefined

  const records = typeof found === 'number' ? [] : found.filter((record) => typeOf(record) === type)
  const header = Buffer.alloc(12)
  query.copy(header, 0, 0, 2)
  header.writeUInt16BE(0x8180 | (typeof found === 'number' ? found : 0), 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(records.length, 6)
  return Buffer.concat([header, question, ...records.map(buildRecord)])
}

function buildRecord(record: NameRecord): Buffer {
  const data = dataOf(record)
  const head = Buffer.alloc(12)
  head.writeUInt16BE(0xc00c, 0) // the name is that of the question
  head.writeUInt16BE(typeOf(record), 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt32BE(TTL_SECONDS, 6)
  head.writeUInt16BE(data.length, 10)
  return Buffer.concat([head, data])
}

/** The answer may be believed for no longer than a test takes. */
const TTL_SECONDS = 1

function typeOf(record: NameRecord): number {
  if (typeof record !== 'string') return 'srv' in record ? TYPE_SRV : TYPE_NAPTR
  return isIPv6(record) ? TYPE_AAAA : TYPE_A
}

/** @see RFC 2782, RFC 3403 §4.1 */
function dataOf(record: NameRecord): Buffer {
  if (typeof record === 'string')
    return isIPv6(record) ? bytesOfIpv6(record) : Buffer.from(record.split('.').map(Number))
  if ('srv' in record) {
    const [priority, weight, port, target] = record.srv
    return Buffer.concat([numbers(priority, weight, port), nameBytes(target)])
  }
  const [order, preference, service, next] = record.naptr
  const texts = ['s', service, ''].flatMap((text) => [
    Buffer.from([text.length]),
    Buffer.from(text),
  ])
  return Buffer.concat([numbers(order, preference), ...texts, nameBytes(next)])
}

function numbers(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(2 * values.length)
  for (const [at, value] of values.entries()) bytes.writeUInt16BE(value, 2 * at)
  return bytes
}

function nameBytes(name: string): Buffer {
  const labels = name === '' ? [] : name.split('.')
  const parts = labels.flatMap((label) => [Buffer.from([label.length]), Buffer.from(label)])
  return Buffer.concat([...parts, Buffer.from([0])])
}

function bytesOfIpv6(ip: string): Buffer {
  const [left = '', right = ''] = ip.split('::')
  const groups = (text: string) => (text ? text.split(':') : [])
  const zeros = 8 - groups(left).length - groups(right).length
  const all = [...groups(left), ...Array.from({ length: zeros }, () => '0'), ...groups(right)]
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex')
}
