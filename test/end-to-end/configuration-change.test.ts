import { expect, it, onTestFinished } from 'vitest'
import { createApi } from '../../sip-scenarios/api.ts'
import { caller } from '../sip/engine/support/caller.ts'
import { openPhone, type Phone } from '../sip/engine/support/phone.ts'
import { openTestDatabase, type TestDatabase } from '../support/database.ts'
import { makeDataDir, type ServiceProcess, startService } from '../support/service.ts'
import { waitFor } from '../support/wait.ts'

const PROMISED_MS = 1_000
const NUMBER = '+18005550100'

/** A service on a database that others use too. */
async function startOn({ connection }: TestDatabase): Promise<ServiceProcess> {
  const { user, password = '', host, port, database } = connection
  const databaseUrl = `postgresql://${user}:${password}@${encodeURIComponent(host)}:${port}/${database}`
  return startService(await makeDataDir(), { DATABASE_URL: databaseUrl })
}

/** Opens a phone that is closed with the test. */
async function aPhone(enginePort: number): Promise<Phone> {
  const phone = await openPhone(enginePort)
  onTestFinished(phone.close)
  return phone
}

const configuration = (number: string, buyer: Phone): object => ({
  publishers: [{ id: 'publisher', name: 'Publisher' }],
  buyers: [{ id: 'buyer', name: 'Buyer', endpoint: `sip:buyer@127.0.0.1:${buyer.port}` }],
  campaigns: [
    {
      id: 'campaign',
      name: 'Campaign',
      numbers: [{ number, publisher: 'publisher' }],
      routes: [{ buyer: 'buyer' }],
    },
  ],
})

/** Calls the number at a process; the final answer, which is 486 where the call has reached the buyer. */
function dialler(enginePort: number, phones: { readonly caller: Phone; readonly buyer: Phone }) {
  return async (): Promise<string> => {
    const call = caller(phones.caller, enginePort)
    phones.caller.sendRaw(call.invite({ uri: `sip:${NUMBER}@127.0.0.1:${enginePort}` }))
    return waitFor(
      () => {
        const [invite] = phones.buyer.inbox.splice(0)
        if (invite) phones.buyer.answer(invite, 486)
        const texts = phones.caller.inbox.map(({ text }) => text)
        const answer = texts.find((text) => text.includes(call.sipCallId) && FINAL.test(text))
        return answer && FINAL.exec(answer)?.[1]
      },
      { what: 'the final answer to a call' },
    )
  }
}

const FINAL = /^SIP\/2\.0 ([2-6]\d\d)/

it('a number that one process takes up or drops is taken up or dropped by another within a second', async () => {
  const database = await openTestDatabase()
  const [told, other] = await Promise.all([startOn(database), startOn(database)])
  const phones = { caller: await aPhone(other.sip.port), buyer: await aPhone(other.sip.port) }
  const dial = dialler(other.sip.port, phones)
  const api = createApi(told.api, told.apiKey)
  const willAnswer = (status: string) =>
    waitFor(async () => (await dial()) === status, {
      what: `a call to be answered with ${status}`,
      deadlineMs: PROMISED_MS,
    })
  expect(await dial()).toBe('404')

  await api.configure(configuration(NUMBER, phones.buyer))
  await willAnswer('486')
  await api.configure(configuration('+18005550199', phones.buyer))
  await willAnswer('404')
}, 60_000)
