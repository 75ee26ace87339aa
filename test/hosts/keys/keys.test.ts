/** Public keys at a node: who may leave and ask what, and that no prekey is given twice. */
import { expect, it } from 'vitest'
import { toUser } from '../../../actors/addresses.ts'
import { memoryStore } from '../../../src/index.ts'
import type { ServerFrame } from '../../../src/protocol/frames.ts'
import type { DeviceId, MessageId, UserId } from '../../../src/protocol/ids.ts'
import { unframed } from '../../../src/protocol/keys/bytes.ts'
import { sentBody } from '../../../src/protocol/keys/parts.ts'
import { device, host } from './users.ts'

const code = (answer: ServerFrame) => (answer[0] === 'error' ? answer[1] : answer[0])
const numbers = (bundles: Awaited<ReturnType<ReturnType<typeof device>['claims']>>) =>
  (bundles as { once?: { number: number } }[]).map(({ once }) => once?.number)

it('a device leaves prekeys and begins a chain; another user gets each of its prekeys once, and then the signed one', async () => {
  const at = await host()
  const [alice, bob] = [device(at, 'alice'), device(at, 'bob')]
  expect(await alice.claims('bob')).toEqual(['error', 'no_keys'])
  expect(await bob.prekeys(3)).toEqual(['done', 'prekeys', 'p', 3])
  expect(await bob.link({ kind: 'first', add: [bob.addition] })).toEqual(['done', 'link', 'l', 1])
  const given = []
  for (let claim = 0; claim < 4; claim++) given.push(...numbers(await alice.claims('bob')))
  expect(given).toEqual([1, 2, 3, undefined])
  expect(at.told.filter(([, , frame]) => frame[0] === 'low')).toEqual([['bob', 'phone', ['low', 0]]])
})

it('the same again changes nothing: its answer was lost', async () => {
  const at = await host()
  const bob = device(at, 'bob')
  await bob.begins()
  expect(await bob.prekeys(3)).toEqual(['done', 'prekeys', 'p', 3])
  expect(await bob.link({ kind: 'first', n: 1, previous: new Uint8Array(32), add: [bob.addition] })).toEqual([
    ...['done', 'link', 'l', 1],
  ])
  expect(await at.store.links('bob' as UserId, 1)).toHaveLength(1)
})

it('a link counts only after the device that it adds has left prekeys, signed by who may, and in its place', async () => {
  const at = await host()
  const [phone, laptop] = [device(at, 'bob'), device(at, 'bob', 'laptop')]
  expect(code(await phone.link({ kind: 'first', add: [phone.addition] }))).toBe('bad_keys')
  await phone.begins()
  expect(code(await phone.link({ add: [laptop.addition] }))).toBe('bad_keys')
  await laptop.prekeys(2)
  expect(code(await laptop.link({ add: [laptop.addition] })), 'not by a stranger').toBe('bad_keys')
  expect(code(await phone.link({ add: [laptop.addition], n: 3 }))).toBe('stale_links')
  expect(code(await phone.link({ add: [laptop.addition], previous: new Uint8Array(32).fill(1) }))).toBe('stale_links')
  expect(await phone.link({ add: [laptop.addition] })).toEqual(['done', 'link', 'l', 2])
})

it('who is removed, or was before a reset, has nothing here any more, and never will', async () => {
  const at = await host()
  const [phone, laptop, fresh] = [device(at, 'bob'), device(at, 'bob', 'laptop'), device(at, 'bob', 'a new one')]
  await phone.begins()
  await laptop.prekeys(2)
  await phone.link({ add: [laptop.addition] })
  expect(at.said).toEqual([])
  expect(await phone.link({ remove: [laptop.identity.public] })).toEqual(['done', 'link', 'l', 3])
  expect(at.said).toEqual([[toUser('bob' as UserId), { is: 'remove', session: 0, device: 'laptop' }]])
  expect(await laptop.shelf()).toBeUndefined()
  expect(code(await laptop.prekeys(2))).toBe('bad_keys')
  await fresh.prekeys(1)
  expect(await fresh.link({ kind: 'reset', add: [fresh.addition] })).toEqual(['done', 'link', 'l', 4])
  expect(await phone.shelf()).toBeUndefined()
  expect((await fresh.chain()).members.map(({ device }) => device)).toEqual(['a new one'])
})

it('keys that another signed, or of another device, are refused', async () => {
  const at = await host()
  const bob = device(at, 'bob')
  expect(code(await bob.prekeys(1, 1, { owner: { realm: 'other', user: 'bob', device: 'phone' } }))).toBe('bad_keys')
  expect(code(await bob.prekeys(1, 1, { owner: { realm: 'test', user: 'bob', device: 'laptop' } }))).toBe('bad_keys')
  expect(code(await at.keys.answer(bob.asker, ['prekeys', 'p', new Uint8Array(40)]))).toBe('bad_keys')
  expect(code(await at.keys.answer(bob.asker, ['link', 'l', new Uint8Array(40)]))).toBe('bad_keys')
})

it('links come from a number on, with how many there are', async () => {
  const at = await host()
  const [phone, laptop] = [device(at, 'bob'), device(at, 'bob', 'laptop')]
  await phone.begins()
  await laptop.prekeys(1)
  await phone.link({ add: [laptop.addition] })
  const asks = (from: number) => at.keys.answer(phone.asker, ['chain', 'bob' as UserId, from])
  const counts = (answer: ServerFrame) => answer[0] === 'links' && [answer[2], answer[3], unframed(answer[4])?.length]
  expect(counts(await asks(1))).toEqual([1, 2, 2])
  expect(counts(await asks(2))).toEqual([2, 2, 1])
  expect(counts(await asks(3))).toEqual([3, 2, 0])
})

it('a claim is refused as a message is, and who is blocked is answered as anybody where that is swallowed', async () => {
  const blocked = { blocked: ['alice' as UserId] }
  for (const [swallows, answer] of [
    [false, ['error', 'blocked']],
    [true, [undefined]],
  ] as const) {
    const at = await host({ settings: blocked, swallows })
    const [alice, bob] = [device(at, 'alice'), device(at, 'bob')]
    await bob.begins()
    const claimed = await alice.claims('bob')
    expect(swallows ? numbers(claimed) : claimed).toEqual(answer)
  }
  const at = await host({ settings: { writers: 'nobody' } })
  const bob = device(at, 'bob')
  await bob.begins()
  expect(await device(at, 'alice').claims('bob')).toEqual(['error', 'not_taken'])
  expect(await device(at, 'alice').claims('bob', 'carol')).toEqual(['error', 'not_a_member'])
  const laptop = device(at, 'bob', 'laptop')
  expect(numbers(await laptop.claims('bob', 'carol'))).toEqual([1])
  expect(numbers(await bob.claims('bob', 'carol')), 'what it has left itself').toEqual([])
})

it('above claimsOfOne a claim gets the signed prekey alone, and one more for each ten minutes', async () => {
  const at = await host({ limits: { claimsOfOne: 2 } })
  const [alice, bob] = [device(at, 'alice'), device(at, 'bob')]
  await bob.prekeys(9)
  await bob.link({ kind: 'first', add: [bob.addition] })
  const claim = async () => numbers(await alice.claims('bob'))[0]
  expect([await claim(), await claim(), await claim()]).toEqual([1, 2, undefined])
  expect(numbers(await device(at, 'carol').claims('bob')), 'others get theirs').toEqual([3])
  at.pass(10 * 60_000)
  expect([await claim(), await claim()]).toEqual([4, undefined])
})

it('above its limits in a minute a user is told to come later, with changes and with claims', async () => {
  const at = await host({ limits: { keyChangesPerMinute: 2, claimsPerMinute: 2 } })
  const [alice, bob] = [device(at, 'alice'), device(at, 'bob')]
  await bob.begins()
  expect(code(await bob.prekeys(1))).toBe('rate_limited')
  for (let claim = 0; claim < 2; claim++) await alice.claims('bob')
  expect(await alice.claims('bob')).toEqual(['error', 'rate_limited'])
  at.pass(30_000)
  expect(await bob.prekeys(3)).toEqual(['done', 'prekeys', 'p', 1])
})

it('a user has so many devices with keys, and so few that wait to be linked', async () => {
  const at = await host({ limits: { keyDevices: 2 } })
  const [phone, ...others] = ['phone', 'laptop', 'a tablet', 'the watch', 'a car radio', 'my fridge 2'].map((name) =>
    device(at, 'bob', name),
  )
  if (!phone) throw new Error('no phone')
  await phone.begins()
  const answers = []
  for (const other of others) answers.push(code(await other.prekeys(1)))
  expect(answers).toEqual(['done', 'done', 'done', 'done', 'done'])
  expect(await at.store.shelves('bob' as UserId), 'the phone, and three that wait').toHaveLength(4)
  await others[0]?.prekeys(1)
  expect(code(await phone.link({ add: others.slice(0, 1).map(({ addition }) => addition) }))).toBe('done')
  expect(code(await phone.link({ add: others.slice(1, 2).map(({ addition }) => addition) }))).toBe('list_full')
})

it('200 claims at once at two nodes, of which some writes fail without saying how, give no prekey twice', async () => {
  const shared = memoryStore()
  await shared.open()
  let writes = 0
  const store: Partial<typeof shared> = {
    ...shared,
    async saveShelf(...row) {
      writes += 1
      if (writes % 7 === 3) {
        await shared.saveShelf(...row)
        throw new Error('the answer was lost')
      }
      return shared.saveShelf(...row)
    },
  }
  const nodes = [
    await host({ store, limits: { claimsOfOne: 200 } }),
    await host({ store, limits: { claimsOfOne: 200 } }),
  ]
  const [one, other] = nodes as [(typeof nodes)[0], (typeof nodes)[0]]
  const bob = device({ ...one, store: shared }, 'bob')
  await bob.prekeys(50)
  await bob.link({ kind: 'first', add: [bob.addition] })
  const claims = Array.from({ length: 200 }, async (_, n) => {
    await new Promise((resolve) => setImmediate(resolve))
    return device(n % 2 ? one : other, `user ${n}`, 'phone').claims('bob')
  })
  const given = (await Promise.all(claims)).flatMap((claimed) => (claimed[0] === 'error' ? [] : numbers(claimed)))
  const keys = given.filter((number) => number !== undefined)
  expect(new Set(keys).size).toBe(keys.length)
  expect(keys.length).toBeGreaterThan(20)
  expect(given.length).toBeGreaterThan(keys.length)
})

it('a send that is sealed for other devices than there are is told so, and where there are no keys', async () => {
  const at = await host()
  const [alice, bob] = [device(at, 'alice'), device(at, 'bob')]
  const check = (theirs: number, mine: number) =>
    at.keys.check('alice' as UserId, [
      ...(['send', '01890a5d-ac96-774b-bcce-b302099a8057' as MessageId, 'bob' as UserId] as const),
      sentBody({ theirs, mine, parts: [{ device: 'phone' as DeviceId, type: 1, bytes: new Uint8Array(9) }], own: [] }),
      false,
    ])?.()
  await alice.begins()
  expect(await check(1, 1)).toBe('no_keys')
  await bob.begins()
  expect(await check(1, 1)).toBeUndefined()
  expect(await check(2, 1)).toBe('stale_devices')
  expect(await check(1, 0)).toBe('stale_devices')
})

it('what one node of a cluster lets in or shuts out is known to another with the next send', async () => {
  const here = await host({ isAlone: false })
  const elsewhere = await host({ isAlone: false, store: here.store })
  const [alice, bob, laptop] = [device(here, 'alice'), device(here, 'bob'), device(here, 'bob', 'laptop')]
  const check = (theirs: number) =>
    elsewhere.keys.check('alice' as UserId, [
      ...(['send', '01890a5d-ac96-774b-bcce-b302099a8057' as MessageId, 'bob' as UserId] as const),
      sentBody({ theirs, mine: 1, parts: [], own: [] }),
      false,
    ])?.()
  await alice.begins()
  await bob.begins()
  await laptop.prekeys(1)
  await bob.link({ add: [laptop.addition] })
  expect(await check(2)).toBeUndefined()
  await bob.link({ remove: [laptop.identity.public] })
  expect(await check(2)).toBe('stale_devices')
  expect(await check(3)).toBeUndefined()
})

it('a store that does not answer is no answer about keys: it may be asked again', async () => {
  const at = await host({ store: { links: () => Promise.reject(new Error('away')) } })
  expect(code(await at.keys.answer(device(at, 'bob').asker, ['chain', 'bob' as UserId, 1]))).toBe('busy')
})

it('a user who was erased begins a new chain, at a node that remembers the former one, too', async () => {
  const at = await host()
  const [phone, laptop] = [device(at, 'bob'), device(at, 'bob', 'laptop')]
  await phone.begins()
  await laptop.prekeys(2)
  await phone.link({ add: [laptop.addition] })
  expect((await phone.chain()).n).toBe(2)
  await at.store.wipe('bob' as UserId)
  expect(await device(at, 'alice').claims('bob')).toEqual(['error', 'no_keys'])
  const anew = device(at, 'bob', 'a new one')
  await anew.begins()
  expect((await anew.chain()).members.map(({ device }) => device)).toEqual(['a new one'])
})
