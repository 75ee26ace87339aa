/** What others say of a chain, and what is kept of what they ask for. */
import { expect, it } from 'vitest'
import type { Engine } from '../../../src/client/e2ee/engine.ts'
import { accept } from '../../../src/client/e2ee/identity.ts'
import { Own } from '../../../src/client/e2ee/own.ts'
import { Pins } from '../../../src/client/e2ee/pins.ts'
import { Repairs } from '../../../src/client/e2ee/repairs.ts'
import type { UserIdentity } from '../../../src/client/e2ee/types.ts'
import { Vault } from '../../../src/client/e2ee/vault.ts'
import { memoryStorage } from '../../../src/client/index.ts'
import { noLinks } from '../../../src/protocol/keys/chain.ts'
import { hashOf } from '../../../src/protocol/keys/link.ts'
import { primitives, realm } from './devices.ts'

/** Pins that know a chain of one link of this user. */
async function knowing(user: string) {
  const own = new Own()
  await own.renew(primitives, 1_000)
  const link = own.alone({ realm, user, device: 'phone' }, noLinks(realm, user), 1_000)
  const told: string[] = []
  const vault = new Vault(
    memoryStorage(),
    () => {},
    () => {},
  )
  const trust = { proves: () => true, isMine: () => false, left: () => {} }
  const pins = new Pins(
    realm,
    () => vault,
    trust,
    (of, why) => void told.push(`${of} ${why}`),
  )
  pins.load(user, { links: [link], accepted: 1 })
  return { pins, told, hash: hashOf(link), vault, link }
}
const other = new Uint8Array(32).fill(7)

it.each([
  ['of this user, by a contact', false, true],
  ['of this user, by another device of theirs', true, true],
  ['of another user, by a third', false, false],
])('another head %s is told once, and keeps nothing', async (_, isOwn, isMine) => {
  const { pins, told, hash } = await knowing('alice')
  const before = pins.of('alice')
  for (let n = 0; n < 3; n++) pins.compare('alice', { n: 1, hash: other }, isOwn, isMine)
  expect(pins.of('alice')).toBe(before)
  expect(told).toEqual(['alice differs'])
  pins.compare('alice', { n: 1, hash: hash.slice(0, 16) }, false)
  expect(told).toEqual(['alice differs'])
})

it('what a device says of the chain of its own user counts', async () => {
  const { pins, told } = await knowing('bob')
  pins.compare('bob', { n: 1, hash: other }, true)
  expect(pins.of('bob')?.forked).toBe(true)
  expect(told).toEqual(['bob fork'])
})

it('a yes to what was never shown, or is of somebody else, is none', async () => {
  const { pins, vault, link } = await knowing('bob')
  pins.load('bob', { links: [link], accepted: 0 })
  const [copied, ofCarol] = [{}, {}] as [UserIdentity, UserIdentity]
  const carol = await knowing('carol')
  const shown = new WeakMap([[ofCarol, carol.pins.of('carol')]])
  const engine = { pins, shown, vault } as unknown as Engine
  for (const seen of [copied, ofCarol])
    await expect(accept(engine, 'bob', seen)).rejects.toMatchObject({ code: 'bad_option' })
  expect(pins.of('bob')?.accepted).toBe(0)
  await accept(engine, 'bob')
  expect(pins.of('bob')?.accepted).toBe(1)
})

it('of what devices of one user ask for no more than so much waits', () => {
  const repairs = new Repairs()
  const kept = new Map<string, unknown>()
  const ask = (user: string, id: string) => {
    for (const [key, value] of repairs.task({ user, device: 'phone', id }))
      value === undefined ? kept.delete(key) : kept.set(key, value)
  }
  ask('bob', 'one')
  for (let n = 0; n < 1_000; n++) ask('mallory', String(n))
  expect(repairs.tasks.size).toBe(257)
  expect([...repairs.tasks.values()].at(0)).toEqual({ user: 'bob', device: 'phone', id: 'one' })
  expect(kept.size).toBe(257)
})
