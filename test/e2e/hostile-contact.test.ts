/** Somebody with keys who wants to do harm: to stop the inbox of whom they write to, or to fill what that device keeps. */
import { randomBytes } from 'node:crypto'
import { afterEach, expect, it } from 'vitest'
import { mostRefused } from '../../src/client/e2ee/refusals.ts'
import { generator } from '../client/e2ee/random.ts'
import { Mallory, payload } from './mallory.ts'
import { start, url } from './nodes.ts'
import { endAll, reading } from './sealing.ts'

const patient = { timeout: 60_000 }
/** Messages of each kind; the long form: BLUETICK_FUZZ. */
const times = Math.min(5_000, Number(process.env['BLUETICK_FUZZ'] ?? 60))

afterEach(endAll)

/** And notes when its connection is not as it was. */
async function enter(user: string) {
  const device = await reading(user)
  const ends: string[] = []
  device.client.on('connection', ({ is }) => is !== 'online' && void ends.push(is))
  return { ...device, ends }
}

/** What a device reads of it is what the writer likes. */
const kinds = ['ask', 'none', 'lost', 'roster', 'members'] as const
const medium = `${'0'.repeat(64)}#${'A'.repeat(44)}.9.bluetick/body`
const texts: readonly ((random: ReturnType<typeof generator>) => Uint8Array)[] = [
  (random) => randomBytes(random(300)),
  (random) => Uint8Array.of(1, random(9), ...randomBytes(random(200))),
  (random) =>
    payload({ body: '', says: kinds[random(kinds.length)] ?? 'ask', of: randomBytes(random(40)).toString('latin1') }),
  (random) => payload({ body: randomBytes(random(60)), of: String(random(9)), chat: '#sealed-x' }),
  (random) => payload({ body: 'x', mine: { n: 2 ** 31 + random(9), hash: randomBytes(16) } }),
  (random) => payload({ body: 'x', theirs: { n: 1 + random(3), hash: randomBytes(16) } }),
  (random) =>
    payload({ body: '', media: random(2) ? medium : medium.replace('.9.', `.${'9'.repeat(1 + random(15))}.`) }),
  () => payload({ body: '', change: 'create', list: '{"n":0,"hash":"","members":["bob"],"admins":[]}' }),
  () => payload({ body: '{"n":1}', says: 'members', of: '#sealed-none' }),
]

it('whatever they seal, the inbox goes on, and no connection ends', async () => {
  await start({ e2ee: 'allowed', limits: { sendsPerSecondToOne: 10_000, sendsPerSecond: 10_000 } })
  const bob = await enter('bob')
  const mallory = await Mallory.enter(url)
  const random = generator(Number(process.env['BLUETICK_SEED'] ?? 1))
  let pairing = await mallory.pairs('bob', await mallory.claims('bob'))
  for (const text of texts)
    for (let n = 0; n < Math.ceil(times / texts.length); n++)
      for (const quiet of [false, true]) pairing = await mallory.says(pairing, 'bob', text(random), quiet)
  await mallory.says(pairing, 'bob', payload({ body: 'the last' }))
  await expect.poll(() => bob.got.at(-1), patient).toBe('the last')
  expect(bob.ends).toEqual([])
}, 240_000)

it('a group of theirs, whose list has names that no user can have, stops nobody whom they add', async () => {
  await start({ e2ee: 'allowed' })
  const bob = await enter('bob')
  const carol = await enter('carol')
  const mallory = await Mallory.enter(url)
  const group = '#sealed-trap'
  await mallory.changes(group, 'create', 'trap', '')
  const names = ['mallory', '', 'x'.repeat(5_000), '#all', 'a\nb', '\u0000', 'bob']
  const list = JSON.stringify({ n: 1, hash: '0'.repeat(64), members: names.slice(0, -1), admins: ['mallory'] })
  await mallory.changes(group, 'add', 'bob', list, ['bob', await mallory.pairs('bob', await mallory.claims('bob'))])
  const members = () =>
    bob.client.e2ee.group(group).then(
      (known) => known.members,
      () => [],
    )
  await expect.poll(members, patient).toEqual(['mallory', 'bob'])
  expect((await bob.client.send(group, 'who is here?', { timeout: 30_000 })).sealed).toBe(true)
  await bob.client.send('carol', 'and you?')
  await expect.poll(() => carol.got, patient).toEqual(['and you?'])
  expect(bob.ends).toEqual([])
}, 120_000)

it('of what they forge so much is tried in a minute, and what others write is read meanwhile', async () => {
  await start({ e2ee: 'allowed' })
  const [bob, carol] = [await enter('bob'), await enter('carol')]
  const mallory = await Mallory.enter(url)
  const first = await mallory.pairs('bob', await mallory.claims('bob'))
  const pairing = await mallory.says(first, 'bob', payload({ body: 'hello' }))
  for (let n = 0; n < 40; n++) await mallory.forges(pairing, 'bob')
  await carol.client.send('bob', 'from Carol')
  await expect.poll(() => bob.got, patient).toEqual(['hello', 'from Carol'])
  const times = (of: string) => bob.unread.filter(({ why }) => why === of).length
  expect([times('bad_tag'), times('rate_limited')]).toEqual([mostRefused, 40 - mostRefused])
  expect(bob.unread.every(({ retrying }) => retrying)).toBe(true)
  expect(bob.ends).toEqual([])
}, 120_000)
