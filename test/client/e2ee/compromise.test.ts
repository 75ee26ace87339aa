/** Who gets all that a device keeps can read neither what was read before, nor what comes once both have written again. */
import { expect, it } from 'vitest'
import { parsePart, placeOf } from '../../../src/client/e2ee/message.ts'
import type { Ratchet } from '../../../src/client/e2ee/ratchet.ts'
import { about, mustRead, mustWrite, primitives, talking } from './devices.ts'
import { finished, type Pairing, type Part, packed, read, unpacked } from './kit.ts'

/** Writes, and has the other side read and finish it. */
async function say(from: Pairing, to: Pairing, text: string): Promise<{ from: Pairing; to: Pairing; part: Part }> {
  const { pairing, part } = mustWrite(from, text)
  const opened = await mustRead(to, part)
  expect(opened.text).toBe(text)
  return { from: pairing, to: { ...opened.pairing, ratchet: finished(opened.pairing.ratchet, opened.place) }, part }
}

const stolen = (pairing: Pairing): Pairing => unpacked(packed(pairing)) ?? expect.fail('not whole')

/** What the thief tries on a message: the state itself, and each 32 bytes of it as the key of its chain, or of itself. */
async function canBeRead(state: Pairing, part: Part): Promise<boolean> {
  const parsed = parsePart(part)
  if (typeof parsed === 'string') return expect.fail(parsed)
  const { ratchetKey, n } = parsed.message
  const whole = packed(state)
  const guesses: Partial<Ratchet>[] = [{}]
  for (let at = 0; at + 32 <= whole.length; at++) {
    const key = whole.slice(at, at + 32)
    const place = placeOf(parsed.message)
    guesses.push({ theirs: ratchetKey, receiving: { key, n } }, { skipped: new Map([[place, key]]) })
  }
  for (const guess of guesses) {
    const ratchet = { ...state.ratchet, ...guess }
    if (typeof (await read(primitives, { ...state, ratchet }, part, about)) !== 'string') return true
  }
  return false
}

it('finds what a device still keeps: the key of a message that has not come, or is not finished', async () => {
  const { alice, bob } = await talking()
  const one = mustWrite(alice, 'not read yet')
  const two = mustWrite(one.pairing, 'not finished')
  const { pairing } = await mustRead(bob, two.part)
  // Found among the bytes, as a thief would who knows no more than that.
  const blind = { ...stolen(pairing), ratchet: { ...pairing.ratchet, skipped: new Map(), unfinished: new Map() } }
  expect(await canBeRead(blind, one.part)).toBe(false)
  for (const { part } of [one, two]) expect(await canBeRead(stolen(pairing), part)).toBe(true)
})

it('keeps what was read before', async () => {
  let { alice, bob } = await talking()
  const past: Part[] = []
  for (const text of ['one', 'two', 'three']) {
    const there = await say(alice, bob, text)
    const back = await say(there.to, there.from, `${text} too`)
    ;[alice, bob] = [back.to, back.from]
    past.push(there.part, back.part)
  }
  for (const part of past) {
    expect(await canBeRead(stolen(alice), part)).toBe(false)
    expect(await canBeRead(stolen(bob), part)).toBe(false)
  }
})

it('heals: after one message of each side the thief is out, though they read all that goes by', async () => {
  let { alice, bob } = await talking()
  let thief = stolen(bob)
  const follow = async (part: Part) => {
    const found = await read(primitives, thief, part, about)
    if (typeof found === 'string') return false
    thief = found.pairing
    return true
  }
  const seen: boolean[] = []
  for (let round = 0; round < 4; round++) {
    const there = await say(alice, bob, 'to Bob')
    seen.push(await follow(there.part))
    const back = await say(there.to, there.from, 'to Alice')
    ;[alice, bob] = [back.to, back.from]
  }
  // Bob had written before the theft, so Alice's first message is under keys that the thief has; Bob answers with a new pair.
  expect(seen).toEqual([true, false, false, false])
})

it('has no key twice in what two devices keep for each other', async () => {
  const { alice } = await talking()
  const secrets = ({ root, mine, sending, receiving }: Ratchet) => [root, mine.secret, sending?.key, receiving?.key]
  const all = secrets(alice.ratchet).map(String)
  expect(new Set(all).size).toBe(4)
})
