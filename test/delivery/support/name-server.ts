import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { onTestFinished } from 'vitest'

/** Addresses of a name, an error code of DNS (3: no such name), or no answer at all. */
export type NameAnswer = readonly string[] | number | 'silence'

const TYPE_A = 1
const TYPE_AAAA = 28

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

  const records = typeof found === 'number' ? [] : found.filter((ip) => typeOf(ip) === type)
  const header = Buffer.alloc(12)
  query.copy(header, 0, 0, 2)
  header.writeUInt16BE(0x8180 | (typeof found === 'number' ? found : 0), 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(records.length, 6)
  return Buffer.concat([header, question, ...records.map(buildRecord)])
}

function buildRecord(ip: string): Buffer {
  const data = isIPv6(ip) ? bytesOfIpv6(ip) : Buffer.from(ip.split('.').map(Number))
  const head = Buffer.alloc(12)
  head.writeUInt16BE(0xc00c, 0) // the name is that of the question
  head.writeUInt16BE(typeOf(ip), 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt16BE(data.length, 10)
  return Buffer.concat([head, data])
}

const typeOf = (ip: string) => (isIPv6(ip) ? TYPE_AAAA : TYPE_A)

function bytesOfIpv6(ip: string): Buffer {
  const [left = '', right = ''] = ip.split('::')
  const groups = (text: string) => (text ? text.split(':') : [])
  const zeros = 8 - groups(left).length - groups(right).length
  const all = [...groups(left), ...Array.from({ length: zeros }, () => '0'), ...groups(right)]
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex')
}
