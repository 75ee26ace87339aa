/** Bytes that nobody wrote: each is refused, and changes nothing. BLUETICK_FUZZ says how many; CI does 100,000. */
import { expect, it } from 'vitest'
import { varint } from '../../../src/protocol/keys/bytes.ts'
import { about, answered, begun, mustRead, mustWrite, newDevice, primitives, talking } from './devices.ts'
import { type Pairing, type Part, packed, paired, parsePart, partyOf, read } from './kit.ts'
import { generator, type Random } from './random.ts'

const times = Number(process.env['BLUETICK_FUZZ'] ?? (process.env['CI'] ? 100_000 : 10_000))
/** Milliseconds: a forged number costs up to 15 of them, and most a tenth of one. */
const patience = 180_000 + times
const seed = Number(process.env['BLUETICK_SEED'] ?? 1)

/** Where the header of a later part has its ratchet key, and its numbers, each of which is below 128. */
const [keyAt, beforeAt, nAt] = [1, 33, 34]
const numbers = [0, 1, 2, 1_001, 2 ** 31, 2 ** 32 - 1]
/** Two of low order, and one that is no more than odd. */
const points = [new Uint8Array(32), new Uint8Array(32).fill(1, 0, 1), new Uint8Array(32).fill(0xff)]

const mutations: readonly ((bytes: Uint8Array, random: Random) => Uint8Array)[] = [
  (bytes, random) => bytes.slice(0, random(bytes.length)),
  (bytes, random) => new Uint8Array([...bytes, random(256)]),
  (bytes, random) => changed(bytes, 0, random(256)),
  (bytes, random) => changed(bytes, random(bytes.length), random(256)),
  (bytes, random) => changed(bytes, nAt + 1 + random(bytes.length - nAt - 1), random(256)),
  (bytes, random) => withNumber(bytes, beforeAt, numbers[random(numbers.length)] ?? 0),
  (bytes, random) => withNumber(bytes, nAt, numbers[random(numbers.length)] ?? 0),
  (bytes, random) => with32(bytes, keyAt, points[random(points.length)] ?? new Uint8Array(32)),
  (_, random) => Uint8Array.from({ length: random(400) }, () => random(256)),
]

function changed(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const other = bytes.slice()
  other[at] = value
  return other
}
function withNumber(bytes: Uint8Array, at: number, value: number): Uint8Array {
  return new Uint8Array([...bytes.subarray(0, at), ...varint(value), ...bytes.subarray(at + 1)])
}
function with32(bytes: Uint8Array, at: number, value: Uint8Array): Uint8Array {
  const other = bytes.slice()
  other.set(value, at)
  return other
}
const isSame = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0

it(
  `changes no pairing, ${times} times`,
  async () => {
    const random = generator(seed)
    const { alice, bob } = await talking()
    // One that is missing, one that was read and is not finished, one that comes next, one of a new turn.
    const missing = mustWrite(alice, 'missing')
    const had = mustWrite(missing.pairing, 'had')
    const next = mustWrite(had.pairing, 'next')
    const reader = (await mustRead(bob, had.part)).pairing
    const parts: Part[] = [missing.part, had.part, next.part]
    const before = packed(reader)
    const reasons = new Map<string, number>()
    for (let i = 0; i < times; i++) {
      const { bytes, type } = parts[random(parts.length)] as Part
      const mutate = mutations[random(mutations.length)] as (typeof mutations)[number]
      const other = { type: random(8) ? type : 1, bytes: mutate(bytes, random) } as Part
      if (other.type === type && isSame(other.bytes, bytes)) continue
      const found = await read(primitives, reader, other, about)
      if (typeof found !== 'string') expect.fail(`read: ${Buffer.from(other.bytes).toString('hex')}`)
      if (!isSame(before, packed(reader))) expect.fail(`changed by: ${Buffer.from(other.bytes).toString('hex')}`)
      reasons.set(found, (reasons.get(found) ?? 0) + 1)
    }
    expect([...reasons.keys()].sort()).toEqual(
      ['bad_key', 'bad_tag', 'malformed', 'no_key', 'no_pairing', 'other_suite', 'too_far'].filter(
        (why) => why !== 'no_key',
      ),
    )
    await readsAll(reader, parts)
  },
  patience,
)

async function readsAll(reader: Pairing, parts: readonly Part[]): Promise<void> {
  let pairing = reader
  for (const part of parts) pairing = (await mustRead(pairing, part)).pairing
}

it(
  `makes no pairing, ${times / 50} times`,
  async () => {
    const random = generator(seed + 1)
    const [alice, bob] = [await newDevice('alice'), await newDevice('bob')]
    const { part } = mustWrite(await begun(alice, bob), 'hello')
    for (let i = 0; i < times / 50; i++) {
      const other = { type: 1, bytes: changed(part.bytes, random(part.bytes.length), random(256)) } as const
      if (isSame(other.bytes, part.bytes)) continue
      const parsed = parsePart(other)
      if (typeof parsed === 'string' || !parsed.opening) continue
      const pairing = await paired(primitives, bob.me, partyOf(alice.me), parsed.opening, bob.prekeys)
      if (typeof pairing === 'string') continue
      expect(await read(primitives, pairing, other, about)).toMatch(/^(bad_tag|bad_key|too_far)$/)
    }
    expect((await mustRead(await answered(bob, alice, part), part)).text).toBe('hello')
  },
  patience,
)

it('costs the longest way that a forged header can make no more than so many steps', async () => {
  const { alice, bob } = await talking()
  const { part } = mustWrite(alice, 'x')
  const far = withNumber(part.bytes, nAt, 1_000)
  const newTurn = with32(withNumber(far, beforeAt, 1_001), keyAt, (await newDevice('mallory')).bundle.signed.key)
  const began = process.cpuUsage()
  for (const bytes of [far, newTurn]) expect(await read(primitives, bob, { type: 2, bytes }, about)).toBe('bad_tag')
  // 15 ms each on a core that does nothing else; it is here to find what takes seconds.
  const { user, system } = process.cpuUsage(began)
  expect((user + system) / 1_000).toBeLessThan(3_000)
})
