import { AppError } from './app-error.ts'
import type { CampaignRules, Configuration } from './campaign.ts'
import { buildCampaignRules, buildConfiguration } from './configuration-build.ts'
import { leaveOutDefaults } from './configuration-defaults.ts'
import { describeIssue, type Problem, problemsOf } from './configuration-problems.ts'
import { type CheckUrl, checkReferences } from './configuration-references.ts'
import {
  CAMPAIGN_RULES_SCHEMA,
  CONFIGURATION_SCHEMA,
  type ConfigurationDocument,
} from './configuration-schema.ts'
import { findWarnings } from './configuration-warnings.ts'

/** A configuration that may be applied. */
export interface ParsedConfiguration {
  readonly kind: 'configuration'
  readonly configuration: Configuration
  /** As it was written, without what goes without saying. */
  readonly document: ConfigurationDocument
  /** What is allowed and probably not meant. */
  readonly warnings: readonly Problem[]
}

/** A document that was read, or everything that is wrong with it, in the document's order of sections. */
export type ParsedConfigurationDocument =
  ParsedConfiguration | { readonly kind: 'problems'; readonly problems: readonly Problem[] }

/**
 * Reads a configuration document, already parsed from YAML or JSON. Every problem is named at once.
 * @param checkUrl what is wrong with the origin of a tracking URL, given as `https://host:port`
 */
export function parseConfigurationDocument(
  input: unknown,
  checkUrl: CheckUrl = () => undefined,
): ParsedConfigurationDocument {
  const parsed = CONFIGURATION_SCHEMA.safeParse(input, { error: describeIssue })
  const problems = [
    ...(parsed.success ? [] : problemsOf(parsed.error)),
    ...checkReferences(input, checkUrl),
  ]
  if (!parsed.success || problems.length > 0) return { kind: 'problems', problems }
  const document = leaveOutDefaults(parsed.data)
  const configuration = buildConfiguration(document)
  return { kind: 'configuration', configuration, document, warnings: findWarnings(document) }
}

/**
 * A stored document with its keys in the order in which people write them, which a jsonb column does
 * not keep. One that this version of the program cannot read comes back as it is.
 */
export function orderDocument(stored: unknown): ConfigurationDocument {
  const parsed = CONFIGURATION_SCHEMA.safeParse(stored)
  return parsed.success ? parsed.data : (stored as ConfigurationDocument)
}

/**
 * Reads the rules of one campaign as a version of it was stored.
 * @throws AppError `invalid_configuration` if this version of the program cannot read them
 */
export function parseCampaignRules(definition: unknown): CampaignRules {
  const parsed = CAMPAIGN_RULES_SCHEMA.safeParse(definition, { error: describeIssue })
  if (parsed.success) return buildCampaignRules(parsed.data)
  const [problem] = problemsOf(parsed.error)
  throw new AppError(
    'invalid_configuration',
    `A stored campaign cannot be read: ${problem?.path} ${problem?.message}.`,
    { cause: parsed.error },
  )
}
