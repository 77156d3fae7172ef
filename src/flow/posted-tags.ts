import type { Postback } from '../domain/postback.ts'
import type { OpenCall } from './settle-call.ts'

const TAGS_MAX = 64

/** Makes what was posted tags of the call, up to a limit; to be stored with {@link watchTags}. @see behaviour B8 */
export function tagCall(open: OpenCall, { tags }: Postback): void {
  const before = open.call.tags
  const news = Object.entries(tags).filter(([name, value]) => before[name] !== value)
  if (news.length === 0) return
  const merged = { ...before, ...Object.fromEntries(news) }
  if (Object.keys(merged).length <= TAGS_MAX) open.call = { ...open.call, tags: merged }
}

interface Tagged {
  readonly callUuid: string
  readonly tags: Readonly<Record<string, string>>
}

/** Remembers the tags of calls, and gives those that have others when it is asked. */
export function watchTags(calls: Iterable<OpenCall>): () => readonly Tagged[] {
  const watched = [...calls].map((open) => ({ open, before: open.call.tags }))
  return () =>
    watched.flatMap(({ open: { call }, before }) =>
      call.tags === before ? [] : [{ callUuid: call.callUuid, tags: call.tags }],
    )
}
