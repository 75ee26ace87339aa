/** Who may not connect, what ends when somebody is banned, and whether a node can do its work. */
import { expect, it } from 'vitest'
import { SendRefused } from '../../src/embed/post.ts'
import { Bans, heedBans } from '../../src/operations/bans.ts'
import { healthRoute } from '../../src/operations/health.ts'
import { asOperator } from '../../src/operations/operating.ts'
import type { UserId } from '../../src/protocol/ids.ts'
import { completeLimits } from '../../src/protocol/limits.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { byHand, noting, user } from '../hosts/byhand.ts'
import { hosted } from '../hosts/clients.ts'

const [ann, ben] = [user('ann'), user('ben')]

async function opened() {
  const store = memoryStore()
  await store.open()
  return store
}

async function operator() {
  const store = await opened()
  const bans = await Bans.load(store)
  const { sessions, enters } = hosted()
  const { clock, runtime } = byHand()
  const { router } = noting(runtime)
  return {
    ...asOperator({
      sessions,
      bans,
      limits: completeLimits(),
      router,
      store,
      term: 1,
      clock,
      media: undefined,
      leave: async () => {},
      forgetKeys: async () => {},
      isHere: () => true,
      onFault: () => {},
    }),
    store,
    enters,
  }
}

it('a ban holds for the next start as well, until it is lifted', async () => {
  const store = await opened()
  const bans = await Bans.load(store)
  expect([await bans.set(ben, true), await bans.set(ben, true), await bans.set(ann, true)]).toEqual([true, false, true])
  const next = await Bans.load(store)
  expect([next.list(), next.has(ben), next.has(user('cat'))]).toEqual([['ann', 'ben'], true, false])
  expect([await next.set(ben, false), await next.set(ben, false)]).toEqual([true, false])
  expect((await Bans.load(store)).list()).toEqual(['ann'])
})

it('a ban counts when it is durable, and not where that failed', async () => {
  const landing: ((error?: Error) => void)[] = []
  const saveBan = () => new Promise<void>((resolve, reject) => void landing.push((e) => (e ? reject(e) : resolve())))
  const bans = await Bans.load({ bans: async () => [], saveBan })
  const [first, second] = [bans.set(ann, true), bans.set(ben, true)]
  expect(bans.list()).toEqual([])
  landing[0]?.()
  landing[1]?.(new Error('disk full'))
  expect(await first).toBe(true)
  await expect(second).rejects.toThrow('disk full')
  expect(bans.list()).toEqual(['ann'])
})

it('a ban stays that becomes known while the store is asked who is banned', async () => {
  const asked: ((users: readonly UserId[]) => void)[] = []
  const store = { bans: () => new Promise<readonly UserId[]>((resolve) => void asked.push(resolve)) }
  const loaded = Bans.load({ ...store, saveBan: async () => {} })
  asked[0]?.([])
  const bans = await loaded
  const reloaded = bans.reload()
  await bans.set(ann, true)
  asked[1]?.([])
  // That may be of before: the store is asked again.
  await expect.poll(() => asked.length).toBe(3)
  expect(bans.list()).toEqual(['ann'])
  asked[2]?.([ann])
  await reloaded
  expect(bans.list()).toEqual(['ann'])
  const later = bans.reload()
  asked[3]?.([ben])
  await later
  expect(bans.list()).toEqual(['ben'])
})

it('whom an operator bans is put out at once, from every device, and nobody else is', async () => {
  const { ban, bans, unban, enters } = await operator()
  const [phone, laptop, other] = [await enters('ann', 'phone'), await enters('ann', 'laptop'), await enters('ben')]
  await ban('ann')
  expect([phone.closed, laptop.closed, other.closed]).toEqual([[3507, 'banned'], [3507, 'banned'], null])
  expect([bans(), await unban('ann'), await unban('ann'), bans()]).toEqual([['ann'], true, false, []])
})

it('whom another node has banned, which could not say so, is put out when that is read', async () => {
  const store = await opened()
  const bans = await Bans.load(store)
  const { sessions, enters } = hosted()
  const [banned, other] = [await enters('ann'), await enters('ben')]
  await store.saveBan(ann, true)
  await heedBans(bans, sessions)
  expect([banned.closed, other.closed]).toEqual([[3507, 'banned'], null])
})

it('nobody is put out by a ban that is not durable', async () => {
  const { ban, store, enters } = await operator()
  const client = await enters('ann')
  await store.close()
  await expect(ban('ann')).rejects.toThrow('not open')
  expect(client.closed).toBe(null)
})

it('an operator ends the sessions of a user, or of a device, who may come back', async () => {
  const { disconnect, bans, enters } = await operator()
  const [phone, laptop] = [await enters('ann', 'phone'), await enters('ann', 'laptop')]
  expect([disconnect('ann', 'phone'), phone.closed?.[1], laptop.closed]).toEqual([1, 'disconnected', null])
  expect([disconnect('ann'), disconnect('ben'), bans()]).toEqual([1, 0, []])
})

it('a name that nobody can have is refused, and nothing is known of it', async () => {
  const { ban, unban, disconnect, inspect, trace } = await operator()
  for (const name of ['', '#team', 'x'.repeat(129)]) {
    await expect(ban(name)).rejects.toThrow(SendRefused)
    await expect(async () => unban(name)).rejects.toThrow(SendRefused)
    expect(() => disconnect(name)).toThrow(SendRefused)
  }
  expect(() => disconnect('ann', '')).toThrow(SendRefused)
  expect([await inspect(''), await inspect('ann'), await trace('x')]).toEqual([undefined, undefined, []])
})

it('a node lives while it answers, and is ready while its store can be written', async () => {
  const store = await opened()
  const route = healthRoute(store)
  const ask = async (path: string) => {
    const answer = await route({ path } as never)
    return answer && [answer.status, answer.body]
  }
  expect([await ask('/healthz'), await ask('/readyz')]).toEqual([
    [200, 'ok\n'],
    [200, 'ready\n'],
  ])
  await store.close()
  expect([await ask('/healthz'), await ask('/readyz')]).toEqual([
    [200, 'ok\n'],
    [503, 'not ready: the store is not open\n'],
  ])
  expect(await ask('/other')).toBe(undefined)
})
