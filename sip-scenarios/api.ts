import { AppError } from '../src/domain/app-error.ts'
import type { ConfigurationDocument } from '../src/domain/configuration-schema.ts'

/** A call as the API shows it, as far as anybody here looks. */
export interface ApiCall {
  readonly uuid: string
  readonly state: string
  readonly conversion: string
  readonly reason: string | null
  readonly buyer_id: string | null
  readonly hung_up_by: string | null
  readonly end_reason: string | null
  readonly sip_status: number | null
  readonly revenue: string | null
  readonly payout: string | null
  readonly legs: readonly {
    readonly buyer_id: string
    readonly sip_status: number | null
    readonly reason: string | null
  }[]
}

export interface ApiSettlement {
  readonly kind: string
  readonly conversion: string
  readonly revenue: string | null
  readonly payout: string | null
}

export interface ApiDelivery {
  readonly trigger: string
  readonly state: string
}

export interface PostbackAnswer {
  readonly httpStatus: number
  readonly status: string
  readonly reason: string
}

/** The service's HTTP side, as operators and buyers use it. */
export interface Api {
  configuration(): Promise<ConfigurationDocument>
  /** Makes the configuration equal to `document`. @throws where it is refused */
  configure(document: object): Promise<void>
  call(callUuid: string): Promise<ApiCall>
  calls(filters: Readonly<Record<string, string>>): Promise<readonly ApiCall[]>
  settlements(callUuid: string): Promise<readonly ApiSettlement[]>
  deliveries(callUuid: string): Promise<readonly ApiDelivery[]>
  post(callUuid: string, key: string, query: string): Promise<PostbackAnswer>
}

/** @param base for example `http://127.0.0.1:8080` */
export function createApi(base: string, apiKey: string): Api {
  const authorization = `Bearer ${apiKey}`
  const get = async <T>(path: string): Promise<T> => {
    const response = await request(base, path, { headers: { authorization } })
    return (await response.json()) as T
  }
  return {
    configuration: () => get('/api/v1/configuration'),
    async configure(document) {
      await request(base, '/api/v1/configuration', {
        method: 'PUT',
        headers: { authorization, 'content-type': 'application/json' },
        body: JSON.stringify(document),
      })
    },
    call: (callUuid) => get(`/api/v1/calls/${callUuid}`),
    calls: (filters) => get(`/api/v1/calls?${new URLSearchParams(filters).toString()}`),
    settlements: (callUuid) => get(`/api/v1/settlements?call=${callUuid}`),
    deliveries: (callUuid) => get(`/api/v1/deliveries?call=${callUuid}`),
    async post(callUuid, key, query) {
      const response = await fetch(`${base}/calls/${callUuid}/set_value?key=${key}&${query}`)
      const { status, reason } = (await response.json()) as Omit<PostbackAnswer, 'httpStatus'>
      return { httpStatus: response.status, status, reason }
    },
  }
}

async function request(base: string, path: string, options: RequestInit): Promise<Response> {
  const response = await fetch(`${base}${path}`, options).catch((cause: unknown) => {
    throw new AppError(
      'not_found',
      `The API at ${base} cannot be reached: start the service, or correct --api.`,
      { cause },
    )
  })
  if (response.ok) return response
  const said = await response.text()
  if (response.status === 401) {
    throw new AppError('unauthorised', `The API at ${base} refused the key: correct --api-key.`)
  }
  if (response.status === 422) throw new AppError('invalid_configuration', refusalOf(base, said))
  const asked = `${options.method ?? 'GET'} ${path}`
  throw new Error(`${asked} was answered ${response.status}: ${said.slice(0, 500)}`)
}

/** The first problem says what to do about it, and most often about the others too. */
function refusalOf(base: string, said: string): string {
  const { problems = [] } = JSON.parse(said) as {
    readonly problems?: readonly { readonly path: string; readonly message: string }[]
  }
  const [first] = problems
  const problem = first ? `${first.path} ${first.message}` : said
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : ''
  return `The service at ${base} refuses the configuration: ${problem}${more}.`
}
