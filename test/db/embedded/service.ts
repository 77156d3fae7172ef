/**
 * A service that consists of an embedded database: starts it in the folder that is its argument,
 * says so in one line of JSON, and ends when its input does. Tests kill it, or run it as another
 * user.
 */
import { startEmbeddedPostgres } from '../../../src/db/embedded.ts'

try {
  const postgres = await startEmbeddedPostgres({ dataDir: process.argv[2] ?? '' })
  process.stdout.write(`${JSON.stringify({ connection: postgres.connection })}\n`)
  process.stdin.resume()
  process.stdin.on('end', () => void postgres.close())
} catch (error) {
  const { code, message } = error as NodeJS.ErrnoException
  process.stdout.write(`${JSON.stringify({ code, message })}\n`)
}
