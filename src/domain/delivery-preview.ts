import { type SampleOf, SAMPLE_CALL_KEY, sampleValues } from './delivery-sample.ts'
import { CALL_TOKENS, type Template } from './tokens.ts'
import { expandUrl, insertCallKey, parseUrlTemplate, type Trigger } from './tracking-url.ts'

/** A template as a call would fill it in, or what is wrong with it. */
export type TemplatePreview =
  | { readonly kind: 'malformed'; readonly problem: string }
  | {
      readonly kind: 'preview'
      readonly url: string
      readonly host: string
      readonly tokens: readonly PreviewedToken[]
      /** What is allowed and perhaps not meant. */
      readonly warnings: readonly string[]
    }

/** A token of the template. */
export interface PreviewedToken {
  readonly name: string
  /** Whether it is a tag: no call has it by itself. */
  readonly isTag: boolean
  readonly fallback: string
  /** Before it is percent-encoded; undefined where the call has none at this trigger. */
  readonly value: string | undefined
}

const KNOWN: ReadonlySet<string> = new Set(CALL_TOKENS)

/** Checks a template as saving does, and fills it in for a made-up call. @see behaviour B3 */
export function previewTemplate(source: string, trigger: Trigger, of: SampleOf): TemplatePreview {
  const parsed = parseUrlTemplate(source)
  if (parsed.kind === 'malformed') return parsed
  const { template } = parsed
  const values = sampleValues(trigger, template.rest, of)
  const tokens = tokensIn(template.rest).map(({ name, fallback }) => {
    const isTag = !KNOWN.has(name)
    return { name, isTag, fallback, value: values[name] }
  })
  return {
    kind: 'preview',
    url: insertCallKey(
      expandUrl(template, values, { isKeyless: values['call_key'] === undefined }).text,
      SAMPLE_CALL_KEY,
    ),
    host: template.host,
    tokens,
    warnings: tokens.flatMap((token) => warningsOf(token, trigger)),
  }
}

function tokensIn(template: Template) {
  const tokens = template.flatMap((part) => (part.kind === 'token' ? [part] : []))
  return [...new Map(tokens.map((token) => [token.name, token])).values()]
}

function warningsOf({ name, isTag, value, fallback }: PreviewedToken, trigger: Trigger) {
  if (isTag) return [`[${name}] is no token of calls: it stands for a tag of that name`]
  if (value || fallback) return []
  return [`[${name}] is empty at ${trigger}: give it a default, as in [${name}]{none}`]
}
