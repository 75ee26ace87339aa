/** A service that is asked who comes in, and what may be sent. */
import { afterEach, expect, it } from 'vitest'
import { type Fault, httpAllow, httpAuthenticate } from '../../../src/index.ts'
import { end, start, url } from '../../e2e/nodes.ts'
import { dial } from '../../e2e/raw.ts'
import { receiver, secret } from './receiver.ts'

afterEach(end)

const id = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`
const secrets = [secret]

it('lets in who the service knows, as it says, and nobody whom it does not', async () => {
  const service = await receiver(({ data }) => (data['token'] === 'good' ? { user: 'ann', device: 'phone' } : 401))
  await start({ authenticate: httpAuthenticate({ url: service.url, secrets }) })
  const [good, bad] = [await dial(url, 'good'), await dial(url, 'bad')]
  await expect.poll(() => good.of('welcome').map((frame) => frame.slice(1, 3))).toEqual([['ann', 'phone']])
  expect(await bad.closed).toBe(3500)
  expect(service.taken.map(({ type, data }) => [type, data['token'], data['address']])).toEqual([
    ['authenticate', 'good', '127.0.0.1'],
  ])
})

it.each([
  ['is not there', undefined],
  ['fails', 500],
  ['answers nothing of the kind', 204],
  ['answers something else', { name: 'ann' }],
  ['answers no user', { user: 7 }],
])('where it %s nobody comes in, and everybody comes again', async (_, answer) => {
  const faults: Fault[] = []
  const service = await receiver(() => answer)
  if (answer === undefined) await service.kill()
  const authenticate = httpAuthenticate({ url: service.url, secrets })
  await start({ authenticate, onFault: (fault) => faults.push(fault) })
  expect(await (await dial(url, 'good')).closed).toBe(3005)
  expect(faults).toMatchObject([{ where: 'authenticate', error: { name: 'Unavailable' } }])
})

it('what the service does not allow is refused for good, and for now where it cannot tell', async () => {
  const service = await receiver(({ data }) => (data['body'] === 'later' ? 503 : { allow: data['body'] !== 'spam' }))
  await start({ allow: httpAllow({ url: service.url, secrets }) })
  const ann = await dial(url, 'ann')
  await expect.poll(() => ann.of('welcome')).toHaveLength(1)
  ann.say('send', id(1), 'bob', 'hello')
  ann.say('send', id(2), 'cid', 'spam')
  ann.say('send', id(3), 'dot', 'later')
  await expect.poll(() => ann.of('sent').map((frame) => frame[1])).toEqual([id(1)])
  await expect
    .poll(() => ann.of('error').map((frame) => [frame[1], frame[3]]))
    .toEqual([
      ['refused', id(2)],
      ['busy', id(3)],
    ])
  expect(service.taken[0]).toMatchObject({ type: 'allow', data: { id: id(1), from: 'ann', to: 'bob', body: 'hello' } })
})

it('refuses options that cannot be', () => {
  expect(() => httpAllow({ url: 'ftp://127.0.0.1/', secrets })).toThrow('httpAllow: url must be an http or https URL')
  expect(() => httpAuthenticate({ url: 'http://127.0.0.1/', secrets: ['x'] })).toThrow('secret 1 must be whsec_')
})
