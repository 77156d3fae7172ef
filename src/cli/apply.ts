import type { Command } from 'commander'
import { type Config, parseConfig } from '../config.ts'
import { buildAddressPolicy, checkUrl } from '../delivery/address-policy.ts'
import { AppError } from '../domain/app-error.ts'
import { parseConfigurationDocument } from '../domain/configuration-document.ts'
import { type PreviewedUrl, previewUrls } from '../domain/tracking-urls-configured.ts'
import { type AppliedConfiguration, applyConfiguration } from '../flow/apply-configuration.ts'
import { nameOfFile, readConfigurationFile } from './configuration-file.ts'
import { operator } from './operator.ts'
import { withDatabase } from './with-database.ts'

/** `bridgeback apply`: makes the configuration equal to a document. */
export function registerApply(program: Command): void {
  program
    .command('apply')
    .description('make the configuration equal to a YAML or JSON document, all or nothing')
    .argument('<file>', 'the document; - reads standard input')
    .option(
      '--dry-run',
      'say what would change, show tracking URLs filled in, and change nothing',
      false,
    )
    .action(async (file: string, { dryRun }: { readonly dryRun: boolean }) => {
      for (const line of await applyFile(parseConfig(process.env), { file, dryRun })) {
        process.stdout.write(`${line}\n`)
      }
    })
}

/**
 * Applies a file, and gives what people are told, a line each.
 * @throws AppError naming every problem of the document, a line each
 */
export async function applyFile(
  config: Pick<Config, 'databaseUrl' | 'dataDir' | 'allowPrivateTargets'>,
  { file, dryRun }: { readonly file: string; readonly dryRun: boolean },
): Promise<readonly string[]> {
  const policy = buildAddressPolicy(config.allowPrivateTargets)
  const input = await readConfigurationFile(file)
  const parsed = parseConfigurationDocument(input, (url) => checkUrl(policy, url))
  if (parsed.kind === 'problems') {
    const lines = parsed.problems.map(({ path, message }) => `  ${path} ${message}`)
    throw new AppError(
      'invalid_configuration',
      [`${nameOfFile(file)} is not valid; nothing was applied:`, ...lines].join('\n'),
    )
  }
  const applied = await withDatabase(config, (database) =>
    applyConfiguration(database, parsed, { dryRun, by: operator() }),
  )
  const warnings = parsed.warnings.map(({ path, message }) => `warning: ${path} ${message}`)
  const previews = dryRun ? previewUrls(parsed.document).flatMap(describePreview) : []
  return [...warnings, ...applied.changes, ...previews, conclude(applied, dryRun)]
}

function describePreview({ warnings, ...preview }: PreviewedUrl): readonly string[] {
  const { campaignId, trackingUrlId, trigger, method, url } = preview
  return [
    `${campaignId}/${trackingUrlId} at ${trigger}: ${method} ${url}`,
    ...warnings.map((warning) => `  warning: ${warning}`),
  ]
}

function conclude({ revision, changes }: AppliedConfiguration, dryRun: boolean): string {
  if (changes.length === 0) return `Nothing to change: revision ${revision} is in force.`
  return dryRun
    ? `Nothing was changed (dry run): revision ${revision} is in force.`
    : `Applied: revision ${revision} is in force.`
}
