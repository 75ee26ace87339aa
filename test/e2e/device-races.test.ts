/** Devices that come and go, and people who begin anew, while messages are under way. Messages: RACE_MESSAGES. */
import { afterEach, expect, it } from 'vitest'
import { start } from './nodes.ts'
import { type Reading as Device, endAll, letIn, reading } from './sealing.ts'

const many = Number(process.env['RACE_MESSAGES'] ?? 50)
const patient = { timeout: 60_000 }
afterEach(endAll)

async function link(user: string, by: Device, device: string): Promise<Device> {
  const fresh = await reading(user, { device })
  await letIn(fresh.client, by.client)
  return fresh
}
const numbers = (from: number, upTo: number) => Array.from({ length: upTo - from }, (_, n) => String(from + n))

it('whoever was in reads all, whoever comes all that follows, and whoever was shut out nothing that was written later', async () => {
  await start({ e2ee: 'allowed' })
  const [alice, bob] = [await reading('alice'), await reading('bob')]
  const laptop = await link('bob', bob, 'laptop')
  const sending = numbers(0, many).map((text) => alice.client.send('bob', text))
  const tablet = await link('bob', bob, 'tablet')
  await bob.client.e2ee.remove('laptop')
  await Promise.all(sending)
  const before = laptop.got.length
  await Promise.all(numbers(many, 2 * many).map((text) => alice.client.send('bob', text)))
  await expect.poll(() => bob.got, patient).toEqual(numbers(0, 2 * many))
  await expect.poll(() => tablet.got.slice(-many), patient).toEqual(numbers(many, 2 * many))
  expect(bob.unread).toEqual([])
  expect(tablet.unread.filter(({ why }) => why !== 'no_part' && why !== 'not_kept')).toEqual([])
  expect(laptop.got).toEqual(numbers(0, laptop.got.length))
  expect(laptop.got.length).toBe(before)
})

it('what is written while somebody begins anew comes to their new device once it was accepted, in its order, or is told there', async () => {
  await start({ e2ee: 'allowed' })
  const [alice, bob] = [await reading('alice'), await reading('bob')]
  await alice.client.send('bob', 'before')
  await expect.poll(() => bob.got, patient).toEqual(['before'])
  const told = new Promise((resolve) => alice.client.e2ee.on('identity', ({ why }) => why === 'reset' && resolve(why)))
  const texts = numbers(0, many)
  const sent = Promise.all(texts.map((text) => alice.client.send('bob', text, { timeout: 60_000 })))
  const anew = await reading('bob', { device: 'anew' })
  await anew.client.e2ee.reset()
  const last = alice.client.send('bob', 'the last', { timeout: 60_000 })
  await told
  expect(anew.got).toEqual([])
  await alice.client.e2ee.accept('bob', await alice.client.e2ee.identity('bob'))
  const ids = new Map((await sent).map(({ id, body }) => [id, body]))
  await last
  await expect.poll(() => anew.got.at(-1), patient).toBe('the last')
  const lost = () => anew.unread.filter(({ retrying }) => !retrying).map(({ id }) => ids.get(id))
  const numbered = ({ got }: Device) => got.filter((text) => /\d/.test(text)).map(Number)
  for (const device of [bob, anew])
    expect(numbered(device)).toEqual(numbered(device).toSorted((one, other) => one - other))
  expect(bob.got.filter((text) => anew.got.includes(text))).toEqual([])
  await expect
    .poll(() => texts.filter((text) => ![...bob.got, ...anew.got, ...lost()].includes(text)), patient)
    .toEqual([])
})

it('two who begin anew at the same time, in the middle of it, write to each other again when each has accepted the other', async () => {
  await start({ e2ee: 'allowed' })
  const old = [await reading('alice'), await reading('bob')] as const
  await Promise.all([old[0].client.send('bob', 'hello'), old[1].client.send('alice', 'hello')])
  await Promise.all(old.map(({ client }) => client.close()))
  const [alice, bob] = [await reading('alice', { device: 'anew' }), await reading('bob', { device: 'anew' })]
  await Promise.all([alice, bob].map(({ client }) => client.e2ee.reset()))
  const sent = [alice.client.send('bob', 'from alice', patient), bob.client.send('alice', 'from bob', patient)]
  for (const [one, other] of [
    [alice, 'bob'],
    [bob, 'alice'],
  ] as const) {
    await one.client.e2ee.accept(other, await one.client.e2ee.identity(other))
  }
  await Promise.all(sent)
  await expect.poll(() => [alice.got, bob.got], patient).toEqual([['from bob'], ['from alice']])
})

it('of devices that have left nothing stays with others', async () => {
  await start({ e2ee: 'allowed' })
  const alice = await reading('alice')
  for (const device of ['one', 'two', 'three']) {
    const bob = await reading('bob', { device })
    if (device !== 'one') await bob.client.e2ee.reset()
    await bob.client.send('alice', device)
    await expect.poll(() => alice.got, patient).toContain(device)
    await alice.client.e2ee.accept('bob')
    await alice.client.send('bob', `hello ${device}`)
    await expect.poll(() => bob.got, patient).toEqual([`hello ${device}`])
  }
  const pairs = async () => [...(await alice.storage.load()).keys()].filter((key) => key.startsWith('e2ee:pair:bob'))
  await expect.poll(pairs, patient).toHaveLength(1)
})
