/**
 * Partners' servers for the delivery bench, a process of their own: says its ports on standard output
 * and answers everything with 204. What is asked for below `/count` is how many came.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

if (import.meta.main) {
  const ports: number[] = []
  let count = 0
  for (let index = 0; index < Number(process.argv[2]); index++) {
    const server = createServer((request, response) => {
      if (request.url === '/count') {
        response.end(String(count))
        return
      }
      count += 1
      response.writeHead(204).end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    ports.push((server.address() as AddressInfo).port)
  }
  process.once('disconnect', () => process.exit(0))
  process.send?.({ ports })
}
