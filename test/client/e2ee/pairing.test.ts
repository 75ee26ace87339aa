/** Two devices: what one writes the other reads, once it is its own, in any order; and nothing else is read. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { skippedAtOnce, skippedInAll } from '../../../src/client/e2ee/ratchet.ts'
import { checkedBundle } from '../../../src/client/e2ee/x3dh.ts'
import {
  about,
  answered,
  begun,
  bytes,
  mustRead,
  mustWrite,
  newDevice,
  primitives,
  talking,
  textOf,
} from './devices.ts'
import {
  finished,
  forget,
  type Pairing,
  type Part,
  packed,
  paired,
  parsePart,
  partyOf,
  read,
  unpacked,
  write,
} from './kit.ts'

const restarted = (pairing: Pairing): Pairing => {
  const again = unpacked(packed(pairing))
  if (!again) throw new Error('cannot be read from the storage')
  return again
}
const isDone = (pairing: Pairing, place: string): Pairing => ({ ...pairing, ratchet: finished(pairing.ratchet, place) })

describe('a bundle', () => {
  it('counts only if its device has signed it, with a suite that is known', async () => {
    const { bundle } = await newDevice('bob')
    const mallory = await newDevice('mallory')
    expect(checkedBundle(bundle)).toBe(bundle)
    expect(checkedBundle({ ...bundle, identity: mallory.bundle.identity })).toBeUndefined()
    expect(checkedBundle({ ...bundle, signed: mallory.bundle.signed })).toBeUndefined()
    expect(checkedBundle({ ...bundle, owner: { ...bundle.owner, user: 'mallory' } })).toBeUndefined()
    expect(checkedBundle({ ...bundle, signed: { ...bundle.signed, suites: Uint8Array.of(2) } })).toBeUndefined()
  })
})

describe('a first message', () => {
  it.each([
    ['with a prekey of its own', true],
    ['with the signed prekey alone', false],
  ])('is read %s', async (_, hasOnce) => {
    const [alice, bob] = [await newDevice('alice'), await newDevice('bob', { hasOnce })]
    const { part } = mustWrite(await begun(alice, bob), 'hello')
    expect(part.type).toBe(1)
    expect((await mustRead(await answered(bob, alice, part), part)).text).toBe('hello')
  })

  it('says the opening until the other device has answered', async () => {
    const { alice, bob, devices } = await talking()
    expect(mustWrite(alice, 'x').part.type).toBe(2)
    expect(mustWrite(bob, 'x').part.type).toBe(2)
    const begin = mustWrite(await begun(...devices), 'x')
    expect(mustWrite(begin.pairing, 'y').part.type).toBe(1)
  })

  it('names prekeys that are there', async () => {
    const [alice, bob] = [await newDevice('alice'), await newDevice('bob')]
    const { part } = mustWrite(await begun(alice, bob), 'hello')
    const parsed = parsePart(part)
    const opening = (typeof parsed !== 'string' && parsed.opening) || expect.fail()
    const from = partyOf(alice.me)
    const gone = { ...bob.prekeys, once: () => undefined }
    expect(await paired(primitives, bob.me, from, opening, gone)).toBe('no_prekey')
    expect(await paired(primitives, bob.me, from, { ...opening, signed: 2 }, bob.prekeys)).toBe('no_prekey')
    const low = { ...opening, ephemeral: new Uint8Array(32) }
    expect(await paired(primitives, bob.me, from, low, bob.prekeys)).toBe('bad_key')
    const noPoint = { ...from, identity: new Uint8Array(32).fill(2, 0, 1) }
    expect(await paired(primitives, bob.me, noPoint, opening, bob.prekeys)).toBe('bad_key')
  })

  it('is not read in another form of the same point: it would come again as a new one', async () => {
    const [alice, bob] = [await newDevice('alice'), await newDevice('bob', { hasOnce: false })]
    const { part } = mustWrite(await begun(alice, bob), 'pay 10')
    const twisted = { ...part, bytes: part.bytes.slice() }
    // The highest bit of the ephemeral key, which X25519 does not read.
    twisted.bytes[32] = (twisted.bytes[32] ?? 0) ^ 0x80
    const pairing = await answered(bob, alice, twisted)
    expect(pairing.ratchet.root).toEqual((await answered(bob, alice, part)).ratchet.root)
    expect(await read(primitives, pairing, twisted, about)).toBe('bad_tag')
  })

  it('is of its own pairing', async () => {
    const { bob, devices } = await talking()
    const { part } = mustWrite(await begun(...devices), 'another')
    expect(await read(primitives, bob, part, about)).toBe('no_pairing')
  })

  it('comes before anything that the other device can write', async () => {
    const [alice, bob] = [await newDevice('alice'), await newDevice('bob')]
    const { part } = mustWrite(await begun(alice, bob), 'hello')
    expect(write(await answered(bob, alice, part), bytes('too early'), about)).toBeUndefined()
  })
})

describe('a message', () => {
  it('is bound to its chat, its id, its form, and to both devices', async () => {
    const { alice, bob, devices } = await talking()
    const { part } = mustWrite(alice, 'x')
    const refused = async (pairing: Pairing, of = about, moved: Part = part) =>
      expect(await read(primitives, pairing, moved, of)).toMatch(/^(bad_tag|no_pairing|malformed)$/)
    await refused(bob, { ...about, chat: '#team' })
    await refused(bob, { ...about, id: '01890a5d-ac96-774b-bcce-b302099a8058' })
    await refused(bob, { chat: about.chat + about.id.slice(0, 1), id: about.id.slice(1) })
    await refused(bob, about, { ...part, type: 1 })
    await refused({ ...bob, realm: '' })
    for (const role of ['initiator', 'responder'] as const) {
      await refused({ ...bob, [role]: { ...bob[role], user: 'mallory' } })
      await refused({ ...bob, [role]: { ...bob[role], device: 'tablet' } })
      await refused({ ...bob, [role]: { ...bob[role], identity: devices[0].me.identity.agreeing } })
    }
    expect((await mustRead(bob, part)).text).toBe('x')
  })

  it('of a later suite is told from one that is damaged', async () => {
    const { bob } = await talking()
    const read2 = (...found: number[]) => read(primitives, bob, { type: 2, bytes: Uint8Array.from(found) }, about)
    expect(await read2(2, 1, 1)).toBe('other_suite')
    expect(await read2(1, 1, 1)).toBe('malformed')
    expect(await read2()).toBe('malformed')
  })

  it('is read again until its reader has gone on, and then never', async () => {
    const { alice, bob } = await talking()
    const one = mustWrite(alice, 'one')
    const two = mustWrite(one.pairing, 'two')
    let { pairing, place } = await mustRead(bob, one.part)
    for (const _ of [1, 2]) {
      const again = await mustRead(restarted(pairing), one.part)
      expect(again).toMatchObject({ text: 'one', place })
      pairing = again.pairing
    }
    pairing = isDone(pairing, place)
    expect(await read(primitives, pairing, one.part, about)).toBe('no_key')
    expect((await mustRead(pairing, two.part)).text).toBe('two')
  })
})

/** What may happen to what two devices write. `which` chooses among what is under way. */
type Step = {
  readonly is: 'write' | 'read' | 'repeat' | 'lose' | 'finish' | 'restart'
  readonly side: 0 | 1
  readonly which: number
}
const steps = fc.array(
  fc.record<Step>({
    is: fc.constantFrom('write', 'write', 'read', 'read', 'repeat', 'lose', 'finish', 'restart'),
    side: fc.constantFrom(0, 1),
    which: fc.nat(1000),
  }),
  { minLength: 20, maxLength: 120 },
)

it('reads each message once it has come, in any order, with losses, repeats and restarts', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (steps) => {
      const { alice, bob } = await talking()
      const sides: [Pairing, Pairing] = [alice, bob]
      const under: { part: Part; text: string; from: 0 | 1 }[] = []
      const had: (typeof under)[number][] = []
      const held: { side: 0 | 1; place: string; text: string }[] = []
      const done = new Set<string>()
      let count = 0
      for (const { is, side, which } of steps) {
        if (is === 'write') {
          const { pairing, part } = mustWrite(sides[side], `message ${count}`)
          under.push({ part, text: `message ${count++}`, from: side })
          sides[side] = pairing
        } else if (is === 'restart') sides[side] = restarted(sides[side])
        else if (is === 'finish') {
          const [next] = held.splice(which % held.length || 0, 1)
          if (!next) continue
          sides[next.side] = isDone(sides[next.side], next.place)
          done.add(next.text)
        } else {
          const [one] =
            is === 'repeat' ? had.slice(which % had.length || 0) : under.splice(which % under.length || 0, 1)
          if (!one || is === 'lose') continue
          const reader = one.from === 0 ? 1 : 0
          const found = await read(primitives, sides[reader], one.part, about)
          if (done.has(one.text)) {
            expect(found).toMatch(/^(no_key|bad_tag)$/)
            continue
          }
          if (typeof found === 'string') return expect.fail(`${one.text}: ${found}`)
          expect(textOf(found.text)).toBe(one.text)
          sides[reader] = found.pairing
          if (is !== 'repeat') held.push({ side: reader, place: found.place, text: one.text })
          had.push(one)
        }
      }
      for (const { part, text, from } of under) {
        const found = await mustRead(sides[from === 0 ? 1 : 0], part)
        expect(found.text).toBe(text)
        sides[from === 0 ? 1 : 0] = found.pairing
      }
    }),
    { numRuns: 60 },
  )
})

describe('missing messages', () => {
  const many = (pairing: Pairing, count: number) => {
    const parts: Part[] = []
    let at = pairing
    for (let i = 0; i < count; i++) {
      const written = mustWrite(at, String(i))
      parts.push(written.part)
      at = written.pairing
    }
    return { pairing: at, parts }
  }

  it('may be so many before one that is there', async () => {
    const { alice, bob } = await talking()
    const { parts } = many(alice, skippedAtOnce + 2)
    const [last, beyond] = [parts.at(-2), parts.at(-1)] as [Part, Part]
    expect(await read(primitives, bob, beyond, about)).toBe('too_far')
    const { pairing } = await mustRead(bob, last)
    expect(pairing.ratchet.skipped.size).toBe(skippedAtOnce)
    expect((await mustRead(pairing, parts[0] as Part)).text).toBe('0')
  })

  it('may be so many at the end of what the peer wrote before its next turn', async () => {
    const { alice, bob } = await talking()
    const turn = async (count: number) => {
      const { pairing } = many(alice, count)
      const reply = mustWrite(bob, 'turn')
      return mustWrite((await mustRead(pairing, reply.part)).pairing, 'new chain').part
    }
    const { pairing } = await mustRead(bob, await turn(skippedAtOnce))
    expect(pairing.ratchet.skipped.size).toBe(skippedAtOnce)
    expect(await read(primitives, bob, await turn(skippedAtOnce + 1), about)).toBe('too_far')
  })

  it('cost so many keys in all, and the oldest go first; what is not finished stays', async () => {
    const { alice, bob } = await talking()
    const parts = [...many(alice, 2).parts]
    let [a, b] = [many(alice, 2).pairing, bob]
    const early = await mustRead(b, parts[1] as Part)
    expect(early.pairing.ratchet.skipped.size).toBe(1)
    // Those of `many` were made twice from one state, which is the same bytes.
    b = early.pairing
    for (let round = 0; round < 3; round++) {
      const next = many(a, 801)
      a = next.pairing
      b = (await mustRead(b, next.parts.at(-1) as Part)).pairing
    }
    expect(b.ratchet.skipped.size).toBe(skippedInAll)
    expect(packed(b).length).toBeLessThan(240_000)
    expect(await read(primitives, b, parts[0] as Part, about)).toBe('no_key')
    expect((await mustRead(b, parts[1] as Part)).text).toBe('1')
  })
})

describe('keys that are not needed any more', () => {
  it('are overwritten when the next state stands, and those that are, are not', async () => {
    const { alice, bob } = await talking()
    const written = mustWrite(alice, 'x')
    const chain = alice.ratchet.sending?.key
    forget(alice.ratchet, written.pairing.ratchet)
    expect(chain).toEqual(new Uint8Array(32))
    const { pairing, place, text } = await mustRead(bob, written.part)
    expect(text).toBe('x')
    const before = restarted(bob)
    forget(bob.ratchet, pairing.ratchet)
    expect(restarted(pairing).ratchet).toEqual(pairing.ratchet)
    expect((await mustRead(pairing, written.part)).text).toBe('x')
    const next = isDone(pairing, place)
    const key = pairing.ratchet.unfinished.get(place)
    forget(pairing.ratchet, next.ratchet)
    expect(key).toEqual(new Uint8Array(32))
    const reply = mustWrite(next, 'reply')
    expect((await mustRead(written.pairing, reply.part)).text).toBe('reply')
    expect(before.ratchet.root).not.toEqual(new Uint8Array(32))
  })

  it('are overwritten at once where only a step needed them', async () => {
    const shared: Uint8Array[] = []
    const chance: Uint8Array[] = []
    const spied = {
      random: (length: number) => {
        const made = primitives.random(length)
        chance.push(made)
        return made
      },
      publicOf: primitives.publicOf,
      agree: async (secret: Uint8Array, theirs: Uint8Array) => {
        const made = await primitives.agree(secret, theirs)
        if (made) shared.push(made)
        return made
      },
    }
    const [alice, bob] = [await newDevice('alice'), await newDevice('bob')]
    const { part } = mustWrite(await begun(alice, bob, spied), 'x')
    const pairing = await answered(bob, alice, part, spied)
    await read(spied, pairing, part, about)
    // Four agreements and a step of the ratchet on one side; the same, and a second step, on the other.
    expect(shared.length).toBe(5 + 6)
    expect(shared.every((bytes) => bytes.every((byte) => byte === 0))).toBe(true)
    const [ephemeral, ratchetKey] = chance
    expect(ephemeral).toEqual(new Uint8Array(32))
    expect(ratchetKey).not.toEqual(new Uint8Array(32))
  })

  it('leave the prekey of the device, which is for others, too', async () => {
    const [alice, bob] = [await newDevice('alice'), await newDevice('bob', { hasOnce: false })]
    const { part } = mustWrite(await begun(alice, bob), 'x')
    const pairing = await answered(bob, alice, part)
    forget(pairing.ratchet, (await mustRead(pairing, part)).pairing.ratchet)
    expect((await mustRead(await answered(bob, alice, part), part)).text).toBe('x')
  })
})

describe('a packed pairing', () => {
  it('is read as it was, and takes some 600 bytes', async () => {
    const { alice, bob, devices } = await talking()
    const early = await begun(...devices)
    for (const pairing of [alice, bob, early]) expect(restarted(pairing)).toEqual(pairing)
    expect(packed(alice).length).toBeLessThan(640)
  })

  it('is none where a byte is missing, or too much, or of another form', async () => {
    const { alice } = await talking()
    const whole = packed(alice)
    for (let length = 0; length < whole.length; length++) expect(unpacked(whole.subarray(0, length))).toBeUndefined()
    expect(unpacked(new Uint8Array([...whole, 0]))).toBeUndefined()
    expect(unpacked(whole.map((byte, at) => (at === 7 ? 2 : byte)))).toBeUndefined()
  })
})
