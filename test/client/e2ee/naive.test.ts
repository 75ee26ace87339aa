/** The ratchet beside one that keeps every key: what is lost, comes in another order, again, or spoilt, over two pairings, with restarts. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { about, answered, begun, bytes, type Device, mustWrite, newDevice, primitives } from './devices.ts'
import { finished, type Pairing, type Part, packed, parsePart, read, unpacked } from './kit.ts'
import { Naive } from './naive.ts'

/** One end of a pairing, in both ways. */
type End = { real: Pairing; readonly naive: Naive }
type Sent = { readonly part: Part; readonly pairing: number; readonly to: 0 | 1 }

/** What one has begun, and what the other makes of its first message. */
async function ends(from: 0 | 1, devices: readonly [Device, Device]): Promise<[End, End]> {
  const [one, other] = [devices[from], devices[from ? 0 : 1]]
  const beginner = await begun(one, other)
  const answerer = await answered(other, one, mustWrite(beginner, 'first').part)
  const secret = answerer.ratchet.root.slice()
  const naive = await Naive.ofBeginner(beginner, secret, other.bundle.signed.key)
  const both: [End, End] = [
    { real: beginner, naive },
    { real: answerer, naive: Naive.ofAnswerer(answerer) },
  ]
  return from ? [both[1], both[0]] : both
}

/** `crashes`: what was read is not kept. `finishes`: its reader goes on after it. */
async function readBoth(end: End, part: Part, { finishes = false, crashes = false }): Promise<string> {
  const found = await read(primitives, end.real, part, about)
  const isRead = typeof found !== 'string'
  if (crashes) return isRead ? 'crashed' : 'refused'
  const text = await end.naive.read(part, about, () => (isRead ? found.pairing.ratchet.mine : end.real.ratchet.mine))
  expect(isRead && Buffer.from(found.text).toString()).toBe(text !== undefined && Buffer.from(text).toString())
  if (!isRead) return 'refused'
  const { ratchet } = found.pairing
  end.real = { ...found.pairing, ratchet: finishes ? finished(ratchet, found.place) : ratchet }
  if (finishes) end.naive.finish(part)
  return 'read'
}

const side = fc.constantFrom(0 as const, 1 as const)
const which = fc.nat(1_000)
const act = fc.oneof(
  { weight: 5, arbitrary: fc.record({ is: fc.constant('write' as const), side, which }) },
  { weight: 6, arbitrary: fc.record({ is: fc.constant('read' as const), which, finishes: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('crash' as const), which }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('spoil' as const), which, at: which }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('restart' as const), side }) },
)

it('reads what the naive one reads, writes the same bytes, and refuses what it refuses', async () => {
  const came = { read: 0, refused: 0, crashed: 0 } as Record<string, number>
  const told = (what: string) => {
    came[what] = (came[what] ?? 0) + 1
  }
  const story = fc.asyncProperty(fc.array(act, { minLength: 20, maxLength: 120 }), async (acts) => {
    const devices: [Device, Device] = [await newDevice('alice'), await newDevice('bob')]
    const pairings = [await ends(0, devices), await ends(1, devices)]
    const sent: Sent[] = []
    for (const [n, now] of acts.entries()) {
      if (now.is === 'restart') {
        for (const each of pairings) each[now.side].real = unpacked(packed(each[now.side].real)) as Pairing
        continue
      }
      if (now.is === 'write') {
        const pairing = now.which % 2
        const end = (pairings[pairing] as [End, End])[now.side]
        if (!end.naive.canWrite) continue
        const text = `${n} `.repeat(1 + (now.which % 40))
        const written = mustWrite(end.real, text)
        const parsed = parsePart(written.part)
        if (typeof parsed === 'string') expect.fail(parsed)
        const { message } = parsed
        const plain = end.naive.write(bytes(text), about, written.part.type)
        expect(Buffer.from(message.sealed).equals(plain.sealed)).toBe(true)
        expect([message.before, message.n]).toEqual([plain.before, plain.n])
        end.real = written.pairing
        sent.push({ part: written.part, pairing, to: now.side ? 0 : 1 })
        continue
      }
      const one = sent[sent.length - 1 - (now.which % Math.max(1, Math.min(sent.length, 12)))]
      if (!one) continue
      const at = (pairings[one.pairing] as [End, End])[one.to]
      if (now.is === 'spoil') {
        const spoilt = one.part.bytes.slice()
        const place = now.at % spoilt.length
        spoilt[place] = (spoilt[place] ?? 0) ^ 1
        const before = Buffer.from(packed(at.real))
        told(await readBoth(at, { ...one.part, bytes: spoilt }, {}))
        expect(before.equals(packed(at.real))).toBe(true)
      } else {
        told(await readBoth(at, one.part, now.is === 'crash' ? { crashes: true } : now))
        const other = (pairings[1 - one.pairing] as [End, End])[one.to]
        if (now.is === 'read') expect(await read(primitives, other.real, one.part, about)).toBeTypeOf('string')
      }
    }
  })
  await fc.assert(story, { numRuns: 40 })
  for (const what of ['read', 'refused', 'crashed']) expect(came[what]).toBeGreaterThan(10)
})
