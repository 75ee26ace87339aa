/** Users, hosted: their actors over a store, with devices and with each other. */
import { expect, it } from 'vitest'
import { toUser } from '../../actors/addresses.ts'
import { openSettings } from '../../actors/settings.ts'
import { message, user } from '../contracts/store.ts'
import { house } from './house.ts'

const [ann, bob] = [user('ann'), user('bob')]
const down = () => Promise.reject(new Error('no answer'))

it('a device is welcomed, gets what waits in the inbox, and then hears that this was all', async () => {
  const { store, term, attach, done } = await house()
  await store.append(bob, 7, term, [message(1, 5, 'one'), message(2, 5, 'two')])
  attach(bob, 3)
  await expect.poll(() => done).toContainEqual([3, ['live', 2]])
  expect(done).toMatchObject([
    ['welcome', 3, 0, null],
    [3, ['message', 1, expect.anything(), 'alice', 5, 'one']],
    [3, ['message', 2, expect.anything(), 'alice', 5, 'two']],
    [3, ['live', 2]],
  ])
})

it('a message is answered when it is durable, with its place; the sender hears of the ticks, in the own inbox too', async () => {
  const { send, users, attach, done, entries } = await house()
  attach(ann, 1)
  attach(bob, 2)
  const answer = await send(toUser(bob), 'ann')
  expect(answer).toMatchObject({ is: 'accepted', at: { seq: 1 } })
  expect(await entries(bob)).toMatchObject([{ is: 'message', from: 'ann', seq: 1 }])
  await expect.poll(() => done).toContainEqual([2, expect.arrayContaining(['message', 'ann'])])
  users.tell(bob, { is: 'ack', session: 2, seq: 1 })
  users.tell(bob, { is: 'read', session: 2, chat: ann, seq: 1 })
  const epoch = answer.is === 'accepted' && answer.at.epoch
  await expect.poll(() => done).toContainEqual([1, ['receipt', 0, 'bob', epoch, 1, 1]])
  await expect.poll(() => entries(ann)).toMatchObject([{ is: 'receipt', peer: 'bob', delivered: 1, read: 1 }])
})

it('who sends to a user that cannot be loaded is told to come again, and a device is sent away until it can', async () => {
  const { send, attach, users, router, done } = await house({ load: down })
  expect(await send(toUser(bob), 'ann')).toEqual({ is: 'refused', code: 'busy' })
  attach(bob, 3)
  await expect.poll(() => done).toContainEqual(['close', 3, 'unavailable'])
  const deleted = new Promise((resolve) =>
    router.ask(toUser(bob), (ticket) => ({ is: 'erase', ticket, chat: ann, from: 1, upTo: 9 }) as const, resolve),
  )
  expect(await deleted).toEqual({ is: 'refused', code: 'busy' })
  expect(users.inspect(bob).status).toBe('absent')
})

it('an actor that crashes comes back from the store, with its devices; what crashes it again and again ends them', async () => {
  const { users, attach, done, send } = await house()
  attach(bob, 3)
  await expect.poll(() => done).toContainEqual([3, ['live', 0]])
  users.tell(bob, { is: 'nonsense' } as never)
  await expect.poll(() => done).toContainEqual(['reattach', bob])
  expect(await send(toUser(bob), 'ann')).toMatchObject({ is: 'accepted' })
  for (let n = 0; n < 3; n++) users.tell(bob, { is: 'nonsense' } as never)
  await expect.poll(() => done).toContainEqual(['closeUser', bob, 'restarted'])
})

it('a setting is durable before a device hears that it holds, and is refused where it cannot be', async () => {
  for (const saveSettings of [undefined, down]) {
    const { store, users, attach, done } = await house(saveSettings && { saveSettings })
    attach(bob, 3)
    users.tell(bob, { is: 'set', session: 3, ref: 'r', setting: ['receipts', false] as never })
    const answer = saveSettings ? [3, ['error', 'busy', 'set', 'r', 0, '']] : [3, ['done', 'set', 'r', 0]]
    await expect.poll(() => done).toContainEqual(answer)
    expect(await store.settings(bob)).toEqual(saveSettings ? undefined : { ...openSettings, receipts: false })
  }
})

it('the history of a permanent chat is read back, newest first, and says when that was all', async () => {
  const { store, term, users, attach, done } = await house()
  const kept = [1, 2, 3].map((seq) => ({ ...message(seq, 5), lifetime: 'permanent' }) as ReturnType<typeof message>)
  await store.append(bob, 7, term, kept)
  attach(bob, 3)
  await expect.poll(() => done).toContainEqual([3, ['live', 3]])
  done.length = 0
  users.tell(bob, { is: 'history', session: 3, ref: 'h', chat: user('alice'), before: null, limit: 2 })
  await expect.poll(() => done.length).toBe(3)
  const frames = done.map((noted) => (noted as [number, unknown[]])[1].slice(0, 3))
  expect(frames).toEqual([
    ['past', 'h', 3],
    ['past', 'h', 2],
    ['done', 'history', 'h'],
  ])
})
