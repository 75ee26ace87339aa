/** A send that is sealed for other devices than there are: it is refused for now, unless it was taken before. And a device that nothing can be sealed for. */
import { afterEach, expect, it } from 'vitest'
import { identityOf } from '../../src/client/e2ee/x3dh.ts'
import { memoryStorage } from '../../src/client/index.ts'
import type { ServerFrame } from '../../src/protocol/frames.ts'
import type { DeviceId } from '../../src/protocol/ids.ts'
import { bundlesBytes, bundlesIn, type ServedBundle } from '../../src/protocol/keys/bundles.ts'
import { sentBody, toldIn } from '../../src/protocol/keys/parts.ts'
import { isSealed } from '../../src/protocol/sealed.ts'
import { Mallory } from './mallory.ts'
import { start, url } from './nodes.ts'
import type { Frame } from './raw.ts'
import { endAll, letIn, reading } from './sealing.ts'

const patient = { timeout: 60_000 }
afterEach(endAll)

const idOf = (n: number) => `01890a5d-ac96-774b-bccf-${String(n).padStart(12, '0')}`
/** What nobody can read, sealed for so many links of the recipient. */
const sealedFor = (theirs: number, byte = 0) => {
  const part = { device: 'phone' as DeviceId, type: 2, bytes: new Uint8Array(100).fill(byte) } as const
  return { base64: Buffer.from(sentBody({ theirs, mine: 1, parts: [part], own: [] })).toString('base64') }
}

it('a send that comes again is found before its devices are looked at; another is refused, and holds up what follows it', async () => {
  await start({ e2ee: 'allowed' })
  const bob = await reading('bob')
  const writer = await Mallory.enter(url, 'alice')
  const sends = async (id: string, body: unknown, again: boolean): Promise<Frame> =>
    (await writer.ask('send', id, 'bob', body, again)).slice(0, 4)
  const first = await sends(idOf(1), sealedFor(1), false)
  expect(first[0]).toBe('sent')
  const laptop = await reading('bob', { device: 'laptop' })
  await letIn(laptop.client, bob.client)
  expect(await sends(idOf(1), sealedFor(1), true)).toEqual(first)
  expect(await sends(idOf(2), sealedFor(1), false)).toMatchObject(['error', 'stale_devices', 'send', idOf(2)])
  // It has the right number, and would overtake the other.
  expect(await sends(idOf(3), sealedFor(2), false)).toMatchObject(['error', 'stale_devices', 'send', idOf(3)])
  // The same message in other bytes.
  expect((await sends(idOf(2), sealedFor(2, 1), true)).slice(0, 2)).toEqual(['sent', idOf(2)])
  expect((await sends(idOf(3), sealedFor(2), true)).slice(0, 2)).toEqual(['sent', idOf(3)])
})

const spoils: readonly (readonly [string, (served: ServedBundle) => ServedBundle[]])[] = [
  ['has left nothing', () => []],
  [
    'has left a key that it did not sign',
    (served) => [{ ...served, signed: { ...served.signed, signature: new Uint8Array(64) } }],
  ],
]

it.each(spoils)('a device that %s is told that it has no part, and keeps nothing from the other', async (_, spoil) => {
  await start({ e2ee: 'allowed' })
  const told: unknown[] = []
  const storage = memoryStorage()
  const phone = await reading('bob')
  const laptop = await reading('bob', {
    device: 'laptop',
    storage,
    changed: (frame: ServerFrame) => {
      if (frame[0] === 'message' && isSealed(frame[5])) told.push(toldIn(frame[5]))
      return frame
    },
  })
  await letIn(laptop.client, phone.client)
  const { seed } = (await storage.load()).get('e2ee:me') as { seed: Uint8Array }
  const mine = String(identityOf(seed).public)
  const alice = await reading('alice', {
    changed: (frame: ServerFrame) => {
      if (frame[0] !== 'bundles') return frame
      const all = (bundlesIn(frame[3]) ?? []).flatMap((one) => (String(one.identity) === mine ? spoil(one) : [one]))
      return Object.assign([...frame], { 3: bundlesBytes(all) }) as unknown as ServerFrame
    },
  })
  const { id } = await alice.client.send('bob', 'hello', patient)
  await expect.poll(() => phone.got, patient).toEqual(['hello'])
  expect(phone.unread).toEqual([])
  await expect.poll(() => laptop.unread[0], patient).toMatchObject({ id, from: 'alice', why: 'no_part' })
  expect(told[0]).toEqual({ from: 'phone' })
  // It asks in a pairing of its own.
  await expect.poll(() => laptop.got, patient).toEqual(['hello'])
  await alice.client.send('bob', 'again', patient)
  await expect
    .poll(() => [phone.got, laptop.got], patient)
    .toEqual([
      ['hello', 'again'],
      ['hello', 'again'],
    ])
})
