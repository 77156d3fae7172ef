/** A value of the document as it came in, before anything about it is known to be right. */
export interface Place {
  readonly keys: readonly PropertyKey[]
  readonly value: unknown
}

/**
 * The values at `pattern`, as in `campaigns.*.routes.*.buyer`, where `*` is every entry of a list. What
 * is missing or of another shape is passed over: the schema names it.
 */
export function placesAt(place: Place, pattern: string): readonly Place[] {
  let places: readonly Place[] = [place]
  for (const step of pattern === '' ? [] : pattern.split('.')) {
    places = places.flatMap((each) => (step === '*' ? entriesOf(each) : valueAt(each, step)))
  }
  return places
}

function entriesOf({ keys, value }: Place): readonly Place[] {
  if (!Array.isArray(value)) return []
  return (value as readonly unknown[]).map((entry, index) => ({
    keys: [...keys, index],
    value: entry,
  }))
}

function valueAt({ keys, value }: Place, key: string): readonly Place[] {
  const isMap = typeof value === 'object' && value !== null && Object.hasOwn(value, key)
  if (!isMap) return []
  return [{ keys: [...keys, key], value: (value as Readonly<Record<string, unknown>>)[key] }]
}

/** Like {@link placesAt}, only where there is text. */
export function textsAt(
  place: Place,
  pattern: string,
): readonly { readonly keys: readonly PropertyKey[]; readonly value: string }[] {
  return placesAt(place, pattern).flatMap(({ keys, value }) =>
    typeof value === 'string' ? [{ keys, value }] : [],
  )
}

/** The text under `key`, if that is what there is. */
export function textAt(place: Place, key: string): string | undefined {
  return textsAt(place, key)[0]?.value
}
