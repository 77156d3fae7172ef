import type { Queryable } from '../../src/db/queryable.ts'
import {
  type ParsedConfiguration,
  parseConfigurationDocument,
} from '../../src/domain/configuration-document.ts'
import type {
  BuyerDocument,
  CampaignDocument,
  ConfigurationDocument,
} from '../../src/domain/configuration-schema.ts'

/** A buyer at a SIP endpoint; `overrides` replace whole entries. */
export function aBuyerDocument(overrides: Partial<BuyerDocument> = {}): BuyerDocument {
  return {
    id: 'solar-direct',
    name: 'Solar Direct',
    endpoint: 'sip:sales@198.51.100.7:5060',
    ...overrides,
  }
}

/**
 * A campaign with one number, one route, a bridged ping, a URL for each outcome and a postback group
 * that pays 0.8 of the posted revenue; `overrides` replace whole entries.
 */
export function aCampaignDocument(overrides: Partial<CampaignDocument> = {}): CampaignDocument {
  return {
    id: 'solar',
    name: 'Solar leads',
    numbers: [{ number: '+18005550100', publisher: 'acme-media' }],
    routes: [{ buyer: 'solar-direct' }],
    tracking_urls: [
      {
        id: 'ping',
        trigger: 'bridged',
        url: 'https://crm.example/ping?id=[call_uuid]&key=[call_key]&from=[caller_number]',
      },
      { id: 'sale', trigger: 'converted', url: 'https://tracker.example/p?amt=[payout]' },
      { id: 'none', trigger: 'not_converted', url: 'https://tracker.example/n?id=[call_uuid]' },
      { id: 'done', trigger: 'finished', url: 'https://tracker.example/f?id=[call_uuid]' },
    ],
    conversion_groups: [
      {
        id: 'sales',
        type: 'postback',
        conversions: [{ name: 'posted', value: 'posted', payout_modifier: '*0.8' }],
      },
    ],
    ...overrides,
  }
}

/** A small document that passes every check; `overrides` replace whole sections. */
export function aConfigurationDocument(
  overrides: Partial<ConfigurationDocument> = {},
): ConfigurationDocument {
  return {
    publishers: [{ id: 'acme-media', name: 'Acme Media' }],
    buyers: [aBuyerDocument()],
    campaigns: [aCampaignDocument()],
    ...overrides,
  }
}

/** The same, parsed. @throws Error naming what is wrong with the overrides */
export function aConfiguration(
  overrides: Partial<ConfigurationDocument> = {},
): ParsedConfiguration {
  const parsed = parseConfigurationDocument(aConfigurationDocument(overrides))
  if (parsed.kind === 'configuration') return parsed
  throw new Error(JSON.stringify(parsed.problems, undefined, 2))
}

/** Empties the tables of configurations, so that tests without calls may share one database. */
export async function clearConfigurations(db: Queryable): Promise<void> {
  await db.query(`
    alter table configurations disable trigger append_only;
    alter table campaign_versions disable trigger append_only;
    delete from configurations;
    delete from campaign_versions;
    alter table configurations enable trigger append_only;
    alter table campaign_versions enable trigger append_only`)
}

/** What is wrong with a document, a line each; empty if it passes. */
export function problemsOf(
  input: unknown,
  checkUrl?: (url: string) => string | undefined,
): readonly string[] {
  const parsed = parseConfigurationDocument(input, checkUrl)
  if (parsed.kind === 'configuration') return []
  return parsed.problems.map(({ path, message }) => `${path} ${message}`)
}

/** A document whose only buyer has these entries, right or wrong. */
export const withBuyer = (entries: object): object => ({
  ...aConfigurationDocument(),
  buyers: [{ ...aBuyerDocument(), ...entries }],
})

/** A document whose only campaign has these entries, right or wrong. */
export const withCampaign = (entries: object): object => ({
  ...aConfigurationDocument(),
  campaigns: [{ ...aCampaignDocument(), ...entries }],
})

/** A document whose only tracking URL has these entries, right or wrong. */
export const withTrackingUrl = (entries: object): object =>
  withCampaign({
    tracking_urls: [{ id: 'ping', trigger: 'bridged', url: 'https://crm.example/', ...entries }],
  })

/** A document whose only conversion group has these entries, right or wrong. */
export const withGroup = (entries: object): object =>
  withCampaign({
    conversion_groups: [
      { id: 'g', type: 'postback', conversions: [{ name: 'p', value: 'posted' }], ...entries },
    ],
  })

/** A document whose only conversion has these entries, right or wrong. */
export const withConversion = (entries: object): object =>
  withGroup({ conversions: [{ name: 'flat', revenue: '25.00', payout: '20.00', ...entries }] })
