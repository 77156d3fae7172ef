/**
 * As much of a browser's page as the dashboard needs to build its elements: they can be made, read and compared, and
 * nothing is laid out. What depends on layout is looked at in a browser.
 */

type Child = FakeElement | string

/** An element as the dashboard makes it. */
export class FakeElement {
  readonly tag: string
  readonly attributes = new Map<string, string>()
  readonly listeners = new Map<string, (event: object) => void>()
  parts: Child[] = []
  parent: FakeElement | undefined
  isFocused = false

  constructor(tag: string) {
    this.tag = tag
  }

  get children(): readonly FakeElement[] {
    return this.parts.filter((part) => part instanceof FakeElement)
  }

  get textContent(): string {
    return this.parts.map((part) => (typeof part === 'string' ? part : part.textContent)).join('')
  }

  set textContent(text: string) {
    this.parts = [text]
  }

  append(...parts: Child[]): void {
    for (const part of parts) if (typeof part !== 'string') part.parent = this
    this.parts.push(...parts)
  }

  replaceChildren(...parts: Child[]): void {
    this.parts = []
    this.append(...parts)
  }

  replaceWith(other: FakeElement): void {
    other.parent = this.parent
    if (this.parent) {
      this.parent.parts = this.parent.parts.map((part) => (part === this ? other : part))
    }
  }

  setAttribute(name: string, value: string): void {
    this.attributes.set(name, value)
  }

  getAttribute(name: string): string | null {
    return this.attributes.get(name) ?? null
  }

  toggleAttribute(name: string, isOn: boolean): void {
    if (isOn) this.attributes.set(name, '')
    else this.attributes.delete(name)
  }

  addEventListener(name: string, listener: (event: object) => void): void {
    this.listeners.set(name, listener)
  }

  contains(other: FakeElement | null): boolean {
    return other === this || this.children.some((child) => child.contains(other))
  }

  isEqualNode(other: FakeElement): boolean {
    return markupOf(this) === markupOf(other)
  }

  querySelectorAll(selector: string): readonly FakeElement[] {
    const named = /^\[([\w-]+)\]$/.exec(selector)?.[1]
    const isFound = ({ tag, attributes }: FakeElement) =>
      named === undefined ? tag === selector : attributes.has(named)
    return this.children.flatMap((child) => [
      ...(isFound(child) ? [child] : []),
      ...child.querySelectorAll(selector),
    ])
  }

  querySelector(selector: string): FakeElement | null {
    return this.querySelectorAll(selector)[0] ?? null
  }

  focus(): void {
    fakePage.activeElement = this
  }
}

/** An element written out, for comparing. */
export function markupOf({ tag, attributes, parts }: FakeElement): string {
  const names = [...attributes].map(([name, value]) => ` ${name}="${value}"`).join('')
  const inside = parts.map((part) => (typeof part === 'string' ? part : markupOf(part))).join('')
  return `<${tag}${names}>${inside}</${tag}>`
}

const fakePage = {
  title: '',
  activeElement: null as FakeElement | null,
  createElement: (tag: string) => new FakeElement(tag),
}

/** Puts the page where the files of the dashboard look for one. */
export function openFakePage() {
  const kept = new Map<string, string>()
  const sessionStorage = {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => void kept.set(name, value),
    removeItem: (name: string) => void kept.delete(name),
  }
  Object.assign(globalThis, { document: fakePage, sessionStorage, scrollTo: () => {} })
  return fakePage
}

/** Answers what the dashboard asks for, by path below the API; what it asked for is kept. */
export function answerWith(answers: Readonly<Record<string, { status?: number; body: unknown }>>) {
  const asked: string[] = []
  globalThis.fetch = async (input) => {
    const url = new URL(typeof input === 'string' ? input : '', 'http://bridge.example')
    asked.push(`${url.pathname}${url.search}`)
    const { status = 200, body } = answers[url.pathname.replace('/api/v1', '')] ?? {
      status: 404,
      body: { detail: 'There is nothing here.' },
    }
    return new Response(JSON.stringify(body), { status })
  }
  return asked
}

/** A file of the dashboard, which browsers load; the compiler checks it with the others of its folder. */
export const load = async (name: string): Promise<unknown> =>
  import(new URL(`../../../../src/http/dashboard/public/${name}`, import.meta.url).href)
