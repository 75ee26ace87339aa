/** What a header asks for is known before anything is derived: so one that is forged costs little. Derivations are counted here. */
import { beforeEach, expect, it, vi } from 'vitest'
import { partBytes } from '../../../src/client/e2ee/message.ts'
import { mostPairings, type Pairings, readOne, withChanged } from '../../../src/client/e2ee/pairings.ts'
import { about, begun, mustRead, mustWrite, newDevice, primitives, textOf } from './devices.ts'
import { finished, type Pairing, type Part, parsePart, partyOf } from './kit.ts'

const derived = vi.hoisted(() => ({ count: 0 }))
vi.mock('../../../src/client/e2ee/symmetric.ts', async (original) => {
  const real = await original<typeof import('../../../src/client/e2ee/symmetric.ts')>()
  const hmac: typeof real.hmac = (...given) => {
    derived.count += 1
    return real.hmac(...given)
  }
  return { ...real, hmac }
})

const [alice, bob] = [await newDevice('alice', { hasOnce: false }), await newDevice('bob', { hasOnce: false })]
const keeper = { me: bob.me, prekeys: bob.prekeys, answered: new Set<string>() }
const reads = (pairings: Pairings, part: Part) => readOne(primitives, keeper, partyOf(alice.me), pairings, part, about)

/** As many pairings as there may be, in each of which Bob has read one message. The last that was read is first. */
const theirs: Pairing[] = []
let pairings: Pairings = []
for (let n = 0; n < mostPairings; n++) {
  const { pairing, part } = mustWrite(await begun(alice, bob), 'first')
  const found = await reads(pairings, part)
  if (typeof found === 'string') throw new Error(found)
  pairings = found.pairings.map((one) => ({ ...one, ratchet: finished(one.ratchet, found.place) }))
  theirs.unshift({ ...pairing, answered: true })
}
const next = mustWrite(theirs[0] as Pairing, 'next').part
const forged = (header: { n: number; ratchetKey?: Uint8Array }): Part => {
  const parsed = parsePart(next)
  if (typeof parsed === 'string') throw new Error(parsed)
  return { type: 2, bytes: partBytes(undefined, { ...parsed.message, ...header }) }
}
const otherKey = alice.bundle.signed.key

beforeEach(() => {
  derived.count = 0
})

it('in a chain that is known only the pairing that has it takes the steps', async () => {
  expect(await reads(pairings, forged({ n: 1_000 }))).toBe('bad_tag')
  expect(derived.count).toBeLessThanOrEqual(1_001)
})

it('in a chain that none has, all pairings take 2,000 steps together', async () => {
  for (const n of [999, 700, 400, 100, 10]) {
    derived.count = 0
    expect(await reads(pairings, forged({ n, ratchetKey: otherKey }))).toBe('bad_tag')
    expect(derived.count).toBeLessThanOrEqual(2_000 + mostPairings)
  }
})

it('too far ahead, no step is taken, and nothing is agreed upon', async () => {
  const agree = vi.spyOn(primitives, 'agree')
  for (const ratchetKey of [undefined, otherKey])
    expect(await reads(pairings, forged({ n: 1_002, ...(ratchetKey && { ratchetKey }) }))).toBe('too_far')
  expect([derived.count, agree.mock.calls.length]).toEqual([0, 0])
  agree.mockRestore()
})

it('a new turn in the pairing that was read longest ago is read, also when 300 messages of it are lost', async () => {
  const { pairing, part } = mustWrite(pairings.at(-1) as Pairing, 'your turn')
  let last = (await mustRead(theirs.at(-1) as Pairing, part)).pairing
  for (let n = 0; n < 300; n++) last = mustWrite(last, 'lost').pairing
  const found = await reads(withChanged(pairings, pairing), mustWrite(last, 'here').part)
  if (typeof found === 'string') throw new Error(found)
  expect(textOf(found.text)).toBe('here')
})
