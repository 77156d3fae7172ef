import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { parseDocument } from 'yaml'
import { AppError } from '../domain/app-error.ts'

/**
 * Reads a YAML or JSON file (JSON is YAML), or standard input for `-`, without looking at what it says.
 * @throws AppError `not_found` if it cannot be read, `invalid_configuration` naming every line that is
 *   no YAML
 */
export async function readConfigurationFile(file: string): Promise<unknown> {
  const source = file === '-' ? await text(process.stdin) : await read(file)
  const yaml = parseDocument(source, { prettyErrors: true })
  if (yaml.errors.length > 0) {
    throw malformed(
      file,
      yaml.errors.map(({ message }) => message.split(':\n')[0] ?? message),
    )
  }
  try {
    return yaml.toJS()
  } catch (cause) {
    // An alias without its anchor, or so many that they would fill the memory.
    throw malformed(file, [cause instanceof Error ? cause.message : String(cause)])
  }
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown'
    throw new AppError(
      'not_found',
      `${file} cannot be read (${code}): give the path of a YAML or JSON file, or - for standard input.`,
      { cause },
    )
  }
}

/** What people call the place that a document came from. */
export const nameOfFile = (file: string): string => (file === '-' ? 'Standard input' : file)

function malformed(file: string, problems: readonly string[]): AppError {
  const lines = problems.map((problem) => `  ${problem}`)
  return new AppError(
    'invalid_configuration',
    [`${nameOfFile(file)} is not YAML or JSON; nothing was applied:`, ...lines].join('\n'),
  )
}
