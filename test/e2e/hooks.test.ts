/** Hooks of a program that never answer, or fail: nothing waits for them for ever, and whoever runs the node is told. */
import { afterEach, expect, it, vi } from 'vitest'
import { type Fault, memoryStore } from '../../src/index.ts'
import { end, node, start, url } from './nodes.ts'
import { dial } from './raw.ts'

afterEach(end)

const id = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`
const never = () => new Promise<never>(() => {})

it('allow that never answers holds up its session for 10 s, and nothing overtakes what it held up', async () => {
  const faults: Fault[] = []
  let hangs = true
  const allow = ({ body }: { body: unknown }) => (hangs && body === 'held' ? never() : true)
  await start({ allow, onFault: (fault) => faults.push(fault) })
  const alice = await dial(url, 'alice')
  await expect.poll(() => alice.of('welcome')).toHaveLength(1)
  const sends = [
    [id(1), 'bob', 'first'],
    [id(2), 'bob', 'held'],
    [id(3), 'bob', 'behind it'],
    [id(4), 'carol', 'to another'],
  ]
  for (const send of sends) alice.say('send', ...send)
  const refusals = () => alice.of('error').map((frame) => frame.slice(1, 5))
  await expect.poll(refusals).toEqual([2, 3, 4].map((n) => ['busy', 'send', id(n), 500]))
  expect(faults).toEqual([{ where: 'allow', error: new Error('it did not answer within 10 s') }])
  hangs = false
  for (const send of sends.slice(1)) alice.say('send', ...send, true)
  await expect
    .poll(() =>
      alice
        .of('sent')
        .map((frame) => frame[1])
        .sort(),
    )
    .toEqual([1, 2, 3, 4].map(id))
  const bob = await dial(url, 'bob')
  await expect.poll(() => bob.of('message').map((frame) => frame[5])).toEqual(['first', 'held', 'behind it'])
})

it('authenticate that never answers sends the client away for a while', async () => {
  const faults: Fault[] = []
  await start({ authenticate: never, onFault: (fault) => faults.push(fault) })
  const alice = await dial(url, 'alice')
  expect(await alice.closed).toBe(3005)
  expect(faults).toEqual([{ where: 'authenticate', error: new Error('it did not answer within 10 s') }])
})

it('what hooks throw is told, also where they throw later', async () => {
  const faults: Fault[] = []
  await start({
    authenticate: (token) => {
      if (token === 'mallory') throw new Error('no database')
      return { user: String(token) }
    },
    allow: async () => Promise.reject(new Error('no rules')),
    onAccepted: async () => Promise.reject(new Error('no counter')),
    onDelivered: () => {
      throw new Error('no mail')
    },
    onFault: (fault) => faults.push(fault),
  })
  expect(await (await dial(url, 'mallory')).closed).toBe(3005)
  const alice = await dial(url, 'alice')
  await expect.poll(() => alice.of('welcome')).toHaveLength(1)
  alice.say('send', id(1), 'bob', 'hello')
  await expect.poll(() => alice.of('error').map((frame) => frame[1])).toEqual(['refused'])
  await node.send({ from: 'shop', to: 'alice', body: 'hello' })
  await expect.poll(() => alice.of('message')).toHaveLength(1)
  alice.say('ack', 1)
  await expect
    .poll(() => faults.map(({ where, error }) => `${where}: ${(error as Error).message}`))
    .toEqual(['authenticate: no database', 'allow: no rules', 'onAccepted: no counter', 'onDelivered: no mail'])
})

it('without onFault the process warns of a hook that fails, once a minute', async () => {
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  await start({ authenticate: () => Promise.reject(new Error('no database')) })
  for (let n = 0; n < 3; n++) expect(await (await dial(url, 'alice')).closed).toBe(3005)
  expect(warn.mock.calls.map(([text]) => text)).toEqual(['the hook authenticate failed: Error: no database'])
  warn.mockRestore()
})

it('messages that the store does not take are told, and their senders are to come again', async () => {
  const faults: Fault[] = []
  const full = { ...memoryStore(), append: () => Promise.reject(new Error('the disk is full')) }
  await start({ store: full, onFault: (fault) => faults.push(fault) })
  await expect(node.send({ from: 'shop', to: 'alice', body: 'hello' })).rejects.toMatchObject({ code: 'busy' })
  await expect.poll(() => faults.at(0)).toEqual({ where: 'store', error: new Error('the disk is full') })
})
