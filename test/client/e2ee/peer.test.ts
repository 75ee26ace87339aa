/** Our device and one in Python, now: either begins, messages cross, are lost, come in another order. BLUETICK_PEER: how many. */
import { describe, expect, it } from 'vitest'
import {
  answered,
  begun,
  type Device,
  mustBeChecked,
  mustWrite,
  newDevice,
  primitives,
  realm,
  textOf,
} from './devices.ts'
import { type Pairing, type Part, packed, read, unpacked } from './kit.ts'
import { type BundleText, bundleOf, needsPeer, type PartText, Peer } from './peer/peer.ts'
import { generator } from './random.ts'
import { hex, unhex } from './vectors.ts'

const messages = Number(process.env['BLUETICK_PEER'] ?? 1_000)
const owner = { realm, user: 'python', device: 'phone' }

const partText = ({ type, bytes }: Part): PartText => ({ type, bytes: hex(bytes) })
const partOf = ({ type, bytes }: PartText): Part => ({ type, bytes: unhex(bytes) })
const bundleText = ({ bundle: { owner, identity, signed, once } }: Device): BundleText => ({
  owner,
  identity: hex(identity),
  signed: { ...signed, key: hex(signed.key), suites: hex(signed.suites), signature: hex(signed.signature) },
  once: once ? [{ number: once.number, key: hex(once.key) }] : [],
})
const partyText = ({ bundle: { owner, identity } }: Device) => ({ ...owner, identity: hex(identity) })
const aboutOf = (n: number) => ({ chat: '#both', id: `00000000-0000-7000-8000-${String(n).padStart(12, '0')}` })

/** Both write and read by chance, one in twenty is lost; what our device keeps goes through its storage each time. */
async function talk(peer: Peer, start: Pairing, me: Device, seed: number) {
  const random = generator(seed)
  const toPeer: { part: PartText; n: number }[] = []
  const toUs: typeof toPeer = []
  let [at, written, had] = [start, 2, 0]
  const textFor = (n: number) => `message ${n} ${'é'.repeat(n % 50)}`
  while (written < messages || toPeer.length || toUs.length) {
    const chance = random(10)
    if (chance < 3 && written < messages) {
      const n = written++
      const { pairing, part } = mustWrite(at, textFor(n), aboutOf(n))
      if (random(20)) toPeer.push({ part: partText(part), n })
      at = pairing
    } else if (chance < 6 && written < messages) {
      const n = written++
      const { answer } = await peer.ask({ do: 'write', device: 'python', text: textFor(n), about: aboutOf(n) })
      if (random(20)) toUs.push({ part: answer, n })
    } else if (chance < 8 && toPeer.length) {
      const [{ part, n }] = toPeer.splice(random(Math.min(10, toPeer.length)), 1) as [(typeof toPeer)[number]]
      const asked = { do: 'read', device: 'python', part, about: aboutOf(n), peer: partyText(me) } as const
      expect((await peer.ask(asked)).answer).toBe(textFor(n))
      had++
    } else if (toUs.length) {
      const [{ part, n }] = toUs.splice(random(Math.min(10, toUs.length)), 1) as [(typeof toUs)[number]]
      const found = await read(primitives, unpacked(packed(at)) ?? at, partOf(part), aboutOf(n))
      if (typeof found === 'string') return expect.fail(`message ${n}: ${found}`)
      expect(textOf(found.text)).toBe(textFor(n))
      at = found.pairing
      had++
    }
  }
  return had
}

describe.each([
  ['with a prekey of its own', true],
  ['with the signed prekey alone', false],
])('a peer in Python, %s', needsPeer, (_, once) => {
  it('reads us and is read, when we begin', async () => {
    const peer = new Peer()
    const { answer } = await peer.ask({ do: 'new', device: 'python', owner, once })
    const me = await newDevice('us')
    const first = mustWrite(await begun(me, { ...me, bundle: mustBeChecked(bundleOf(answer)) }), 'hello', aboutOf(0))
    const asked = { do: 'read', device: 'python', about: aboutOf(0), peer: partyText(me) } as const
    expect((await peer.ask({ ...asked, part: partText(first.part) })).answer).toBe('hello')
    expect((await peer.ask({ ...asked, part: partText(first.part) })).answer).toHaveProperty('refused')
    expect(await talk(peer, first.pairing, me, 7)).toBeGreaterThan(messages * 0.9)
    peer.end()
  })

  it('reads us and is read, when it begins', async () => {
    const peer = new Peer()
    const me = await newDevice('us', { hasOnce: once })
    const { answer } = await peer.ask({ do: 'new', device: 'python', owner, once })
    await peer.ask({ do: 'begin', device: 'python', bundle: bundleText(me) })
    const written = await peer.ask({ do: 'write', device: 'python', text: 'hello', about: aboutOf(0) })
    const part = partOf(written.answer)
    const { user, device } = answer.owner
    const identity = { ...me.me.identity, public: unhex(answer.identity) }
    const them = { ...me, me: { ...me.me, user, device, identity } }
    const found = await read(primitives, await answered(me, them, part), part, aboutOf(0))
    if (typeof found === 'string') return expect.fail(found)
    expect(textOf(found.text)).toBe('hello')
    expect(await talk(peer, found.pairing, me, 11)).toBeGreaterThan(messages * 0.9)
    peer.end()
  })
})
