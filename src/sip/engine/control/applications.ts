/** A connected application. */
export interface Application {
  readonly id: number
  /** Sends one payload; several in one turn of the event loop leave in one write. */
  readonly send: (payload: string) => void
  /** Whether the connection still stands. */
  readonly isConnected: () => boolean
}

/** Which application gets which requests. */
export interface Routes {
  /** `verb` is a method in lower case, or `cdr:attempt` and the like. Asking twice changes nothing. */
  readonly add: (verb: string, application: Application) => void
  /** Ends one verb of one application. Deviates from drachtio-server, which would end all of them. */
  readonly remove: (verb: string, application: Application) => void
  readonly removeAll: (application: Application) => void
  /** The next application in turn for the verb; undefined if nobody asked for it. */
  readonly pick: (verb: string) => Application | undefined
  /** Everybody who asked for the verb. */
  readonly all: (verb: string) => readonly Application[]
}

/** Builds an empty table of routes; applications take turns. */
export function createRoutes(): Routes {
  const verbs = new Map<string, { applications: readonly Application[]; turn: number }>()
  const remove = (verb: string, application: Application): void => {
    const route = verbs.get(verb)
    if (!route) return
    route.applications = route.applications.filter((other) => other !== application)
    if (route.applications.length === 0) verbs.delete(verb)
  }
  return {
    add: (verb, application) => {
      const route = verbs.get(verb)
      if (!route) verbs.set(verb, { applications: [application], turn: 0 })
      else if (!route.applications.includes(application))
        route.applications = [...route.applications, application]
    },
    remove,
    removeAll: (application) => {
      for (const verb of verbs.keys()) remove(verb, application)
    },
    pick: (verb) => {
      const route = verbs.get(verb)
      if (!route) return undefined
      route.turn = (route.turn + 1) % route.applications.length
      return route.applications[route.turn]
    },
    all: (verb) => verbs.get(verb)?.applications ?? [],
  }
}
