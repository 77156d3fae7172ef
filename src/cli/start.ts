import type { Command } from 'commander'
import { SETTINGS } from '../config.ts'
import { run } from '../main.ts'

/** `bridgeback start`: runs the service. */
export function registerStart(program: Command): void {
  program
    .command('start')
    .description(
      'run the service; with nothing configured it brings its own PostgreSQL and SIP engine',
    )
    .addHelpText('after', () => `\nSettings (environment; .env is read):\n${settingsTable()}`)
    .action(() => run(process.env))
}

function settingsTable(): string {
  const width = Math.max(...SETTINGS.map(({ name }) => name.length))
  return SETTINGS.map((setting) => {
    const { name, meaning } = setting
    const usual = 'default' in setting ? setting.default : setting.unset
    return `  ${name.padEnd(width)}  ${meaning} (${usual})`
  }).join('\n')
}
