import { expect, it } from 'vitest'
import {
  problemsOf,
  withBuyer,
  withCampaign,
  withConversion,
  withGroup,
  withTrackingUrl,
} from '../support/configuration.ts'

it.each([
  ['nothing', null, 'document is empty: write a map of names and values, or remove the line'],
  ['text', 'x', 'document must be a map of names and values'],
  ['a list', [], 'document must be a map of names and values'],
  ['an unknown section', { buyer: [] }, 'buyer is not known: remove it, or correct its name'],
  ['a section that is no list', { buyers: {} }, 'buyers must be a list'],
  ['an entry that is no map', { buyers: [5] }, 'buyers[0] must be a map of names and values'],
  [
    'an unknown entry',
    withBuyer({ ring_timeout: 5 }),
    'buyers[0].ring_timeout is not known: remove it, or correct its name',
  ],
  [
    'an id in capitals',
    { publishers: [{ id: 'Acme', name: 'A' }] },
    'publishers[0].id is not an id: write 1 to 63 small letters, digits and hyphens, not beginning with a hyphen',
  ],
  ['a missing name', { publishers: [{ id: 'a' }] }, 'publishers[0].name is missing: write text'],
  [
    'a line end in a name',
    { publishers: [{ id: 'a', name: 'A\r\nB' }] },
    'publishers[0].name holds a control character: remove it',
  ],
  [
    'half a character in a name',
    { publishers: [{ id: 'a', name: 'A\ud83d' }] },
    'publishers[0].name holds half a character: write it again',
  ],
  [
    'an endpoint that is no URI',
    withBuyer({ endpoint: '198.51.100.7' }),
    'buyers[0].endpoint is not a SIP URI: write it as sip:user@host:port',
  ],
  [
    'a secret that is none',
    withTrackingUrl({ secrets: ['whsec_c2hvcnQ='] }),
    'campaigns[0].tracking_urls[0].secrets[0] is not a secret: write whsec_ and 24 to 64 random bytes in base64, as from openssl rand -base64 32',
  ],
  [
    'ringing for no time',
    withBuyer({ ring_timeout_seconds: 0 }),
    'buyers[0].ring_timeout_seconds is too small: write 1 or more',
  ],
  [
    'pings that come too often',
    withBuyer({ ping_seconds: 9 }),
    'buyers[0].ping_seconds is too small: write 10 or more, or 0 for never',
  ],
  [
    'ringing beyond Timer C',
    withBuyer({ ring_timeout_seconds: 181 }),
    'buyers[0].ring_timeout_seconds is too big: write 180 or less',
  ],
  [
    'half a second',
    withBuyer({ ring_timeout_seconds: 2.5 }),
    'buyers[0].ring_timeout_seconds must be a whole number',
  ],
  [
    'a number in quotes',
    withBuyer({ ring_timeout_seconds: '25' }),
    'buyers[0].ring_timeout_seconds must be a number',
  ],
  [
    'an unknown choice',
    withBuyer({ uuid_format: 'short' }),
    'buyers[0].uuid_format is not known: write one of standard, compact',
  ],
  [
    'a reserved header',
    withBuyer({ headers: { Via: 'x' } }),
    'buyers[0].headers.Via is written by the bridge itself: choose another name',
  ],
  [
    'a header that is no token',
    withBuyer({ headers: { 'X A': 'x' } }),
    'buyers[0].headers["X A"] is not a header name: write 2 to 64 letters, digits and hyphens, as in X-Campaign',
  ],
  [
    'a line end in a header',
    withBuyer({ headers: { 'X-A': 'a\nX-Evil: 1' } }),
    'buyers[0].headers.X-A holds a control character: remove it',
  ],
  [
    'an unknown token in a header',
    withBuyer({ headers: { 'X-A': 'a [no token]' } }),
    'buyers[0].headers.X-A has unknown token [no token] at position 3: write [name] or [name]{default}',
  ],
  [
    'a header that is no text',
    withBuyer({ headers: { 'X-A': 5 } }),
    'buyers[0].headers.X-A is not text: put it in quotes',
  ],
  [
    'an unknown cap',
    withBuyer({ caps: { weekly: 5 } }),
    'buyers[0].caps.weekly is not known: remove it, or correct its name',
  ],
  [
    'a cap of nothing',
    withBuyer({ caps: { daily: 0 } }),
    'buyers[0].caps.daily is too small: write 1 or more',
  ],
  [
    'an unknown time zone',
    withBuyer({ hours: { time_zone: 'Mars/Olympus', open: ['mon 09:00-17:00'] } }),
    'buyers[0].hours.time_zone is not a time zone: write its IANA name, as in America/New_York',
  ],
  [
    'hours that are none',
    withBuyer({ hours: { time_zone: 'UTC', open: ['mon 9-5'] } }),
    'buyers[0].hours.open[0] is not a time of the week: write days and hours, as in mon-fri 09:00-17:30',
  ],
  [
    'no hours at all',
    withBuyer({ hours: { time_zone: 'UTC', open: [] } }),
    'buyers[0].hours.open is empty: give it at least one entry',
  ],
  [
    'a caller who may never call',
    { trunks: [{ id: 'carrier-a', per_caller: { calls_per_second: 0 } }] },
    'trunks[0].per_caller.calls_per_second is too small: write 0.001 or more',
  ],
  [
    'a trunk without CIDR',
    { trunks: [{ id: 'carrier-a', allow: ['carrier.example'] }] },
    'trunks[0].allow[0] is not an address or CIDR range: write 203.0.113.7 or 203.0.113.0/24',
  ],
  [
    'a gateway with a user',
    { trunks: [{ id: 'carrier-a', gateway: 'sip:us@203.0.113.10' }] },
    'trunks[0].gateway must not name a user: write sip:host:port',
  ],
  [
    'an unknown country',
    { trunks: [{ id: 'carrier-a', numbers: { country: 'XX' } }] },
    'trunks[0].numbers.country is not a country: write its two-letter code, as in US',
  ],
  [
    'an unknown currency',
    withCampaign({ currency: 'usd' }),
    'campaigns[0].currency is not a currency: write its three-letter code, as in USD',
  ],
  [
    'a number without quotes',
    withCampaign({ numbers: [{ number: 18005550100, publisher: 'acme-media' }] }),
    'campaigns[0].numbers[0].number is not text: put it in quotes',
  ],
  [
    'a number without plus sign',
    withCampaign({ numbers: [{ number: '18005550100', publisher: 'acme-media' }] }),
    'campaigns[0].numbers[0].number is not a phone number: write it with plus sign and country code, as in +18005550100',
  ],
  [
    'a number that is too short',
    withCampaign({ numbers: [{ number: '+1800555010', publisher: 'acme-media' }] }),
    'campaigns[0].numbers[0].number is not a phone number: write it with plus sign and country code, as in +18005550100',
  ],
  [
    'an unknown trigger of a tracking URL',
    withTrackingUrl({ trigger: 'answered' }),
    'campaigns[0].tracking_urls[0].trigger is not known: write one of start, selected, bridged, finished, converted, not_converted, adjusted',
  ],
  [
    'a token in the host',
    withTrackingUrl({ url: 'https://[sub_id].example/' }),
    'campaigns[0].tracking_urls[0].url is not a tracking URL: tokens may not stand in the host or port',
  ],
  [
    'a bracket in a URL that is no token',
    withTrackingUrl({ url: 'https://h/?a=[b' }),
    'campaigns[0].tracking_urls[0].url is not a tracking URL: a bracket that is no token at position 14',
  ],
  [
    'a tag that is none',
    withTrackingUrl({ tags: { 'a b': 'x' } }),
    'campaigns[0].tracking_urls[0].tags["a b"] is not a tag: write up to 64 letters, digits, points and hyphens',
  ],
  [
    'a group of no type',
    withGroup({ type: undefined }),
    'campaigns[0].conversion_groups[0].type is missing: write one of postback, duration',
  ],
  [
    'a group of an unknown type',
    withGroup({ type: 'timer' }),
    'campaigns[0].conversion_groups[0].type is not known: write one of postback, duration',
  ],
  [
    'a group without conversions',
    withGroup({ conversions: [] }),
    'campaigns[0].conversion_groups[0].conversions is empty: give it at least one entry',
  ],
  [
    'a wait below zero',
    withGroup({ postback_timeout_seconds: -1 }),
    'campaigns[0].conversion_groups[0].postback_timeout_seconds is too small: write 0 or more',
  ],
  [
    'neither trigger nor value',
    withConversion({}),
    'campaigns[0].conversion_groups[0].conversions[0].trigger is missing: write the string to look for, or write value: posted to take the posted revenue',
  ],
  [
    'an unknown value',
    withConversion({ value: 'fixed', trigger: 'sale=true' }),
    'campaigns[0].conversion_groups[0].conversions[0].value is not known: write posted, or leave it out',
  ],
  [
    'a trigger that every URL matches (B6)',
    withConversion({ trigger: 'key' }),
    'campaigns[0].conversion_groups[0].conversions[0].trigger stands in every postback, so it would decide nothing: write one such as sale=true',
  ],
  [
    'an empty trigger (B6)',
    withConversion({ trigger: '' }),
    'campaigns[0].conversion_groups[0].conversions[0].trigger stands in every postback, so it would decide nothing: write one such as sale=true',
  ],
  [
    'an amount without quotes (B4)',
    withConversion({ trigger: 'sale=true', revenue: 25 }),
    'campaigns[0].conversion_groups[0].conversions[0].revenue is not text: put it in quotes',
  ],
  [
    'an amount with a currency sign (B4)',
    withConversion({ trigger: 'sale=true', revenue: '$25' }),
    'campaigns[0].conversion_groups[0].conversions[0].revenue is not an amount: write digits and at most six decimals, as in "25.00"',
  ],
  [
    'a malformed modifier (B5)',
    withGroup({ conversions: [{ name: 'p', value: 'posted', payout_modifier: '*2*' }] }),
    'campaigns[0].conversion_groups[0].conversions[0].payout_modifier is not a payout modifier: expected an operator and a number, as in *0.8, at position 3',
  ],
  [
    'seconds that are not whole',
    withGroup({
      type: 'duration',
      conversions: [{ name: 'a', seconds: 1.5, revenue: '1', payout: '1' }],
    }),
    'campaigns[0].conversion_groups[0].conversions[0].seconds must be a whole number',
  ],
])('names %s', (_, input, problem) => {
  expect(problemsOf(input)).toEqual([problem])
})
