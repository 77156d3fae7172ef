/** The entries of a header value that is a list: split at commas outside of quotes and angle brackets. */
export function splitList(value: string): readonly string[] {
  const entries: string[] = []
  let start = 0
  let isQuoted = false
  let isBracketed = false
  for (let index = 0; index < value.length; index++) {
    const character = value[index]
    if (isQuoted && character === '\\') index++
    else if (character === '"') isQuoted = !isQuoted
    else if (isQuoted) continue
    else if (character === '<') isBracketed = true
    else if (character === '>') isBracketed = false
    else if (character === ',' && !isBracketed) {
      entries.push(value.slice(start, index))
      start = index + 1
    }
  }
  entries.push(value.slice(start))
  return entries.map((entry) => entry.trim()).filter((entry) => entry !== '')
}

/** The parameters behind the angle brackets of an entry, names in lower case. */
export function entryParameters(entry: string): ReadonlyMap<string, string> {
  const text = entry.slice(entry.lastIndexOf('>') + 1)
  const parameters = [...text.matchAll(/;\s*([\w-]+)\s*=\s*"?([^";]*)"?/g)]
  return new Map(parameters.map(([, name = '', value = '']) => [name.toLowerCase(), value.trim()]))
}
