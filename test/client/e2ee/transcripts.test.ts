/**
 * What two devices in Python wrote for each other (peer/), with all their secrets: byte for byte what our device writes in the place of
 * either. Written anew with BLUETICK_RECORD=1, when the form of a part changes.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { answered, begun, type Device, deviceOf, mustBeChecked, mustWrite, realm, textOf } from './devices.ts'
import { type About, identityOf, type Pairing, type Part, plainPrimitives, read } from './kit.ts'
import { type BundleText, bundleOf, type PartText, Peer, type SecretsText } from './peer/peer.ts'
import { generator } from './random.ts'
import { hex, unhex } from './vectors.ts'

type Name = 'alice' | 'bob'
/** `reads`: the number of the step in which it was written. `chance`: the secrets that were made in this step. */
type Step = { readonly by: Name; readonly chance: string[] } & (
  | { readonly writes: string; readonly about: About; readonly part: PartText }
  | { readonly reads: number }
)
type Transcript = {
  readonly devices: Readonly<Record<Name, BundleText & { secrets: SecretsText }>>
  readonly begins: readonly string[]
  readonly steps: readonly Step[]
}

const other = { alice: 'bob', bob: 'alice' } as const
const file = (name: string) => new URL(`vectors/${name}.json`, import.meta.url)
const transcripts = ['transcript-once', 'transcript-last-resort'] as const

async function record(name: (typeof transcripts)[number]): Promise<void> {
  const peer = new Peer()
  const random = generator(11)
  const make = async (user: Name) => {
    const owner = { realm, user, device: 'phone' }
    return (await peer.ask({ do: 'new', device: user, owner, once: name === 'transcript-once' })).answer
  }
  const devices = { alice: await make('alice'), bob: await make('bob') }
  const begins = (await peer.ask({ do: 'begin', device: 'alice', bundle: devices.bob })).chance
  const steps: Step[] = []
  const under: Record<Name, number[]> = { alice: [], bob: [] }
  const hasRead = { alice: true, bob: false }
  while (steps.length < 90) {
    const by = random(2) ? 'alice' : 'bob'
    const open = under[by]
    if (random(2) && hasRead[by]) {
      const text = `${by} ${steps.length} ${'·'.repeat(random(40))}`
      const about = { chat: other[by], id: `00000000-0000-7000-8000-${String(steps.length).padStart(12, '0')}` }
      const { answer, chance } = await peer.ask({ do: 'write', device: by, text, about })
      if (random(100) < 85) under[other[by]].push(steps.length)
      steps.push({ by, writes: text, about, part: answer, chance })
    } else if (open.length) {
      const [at = 0] = open.splice(random(Math.min(4, open.length)), 1)
      const step = steps[at]
      if (!step || !('part' in step)) throw new Error('no such step')
      const { owner, identity } = devices[other[by]]
      const { part, about } = step
      const asked = { do: 'read', device: by, part, about, peer: { ...owner, identity } } as const
      const { answer, chance } = await peer.ask(asked)
      expect(answer).toBe(step.writes)
      hasRead[by] = true
      steps.push({ by, reads: at, chance })
    }
  }
  peer.end()
  // The first ratchet key is made with the first message there, and with the pairing here.
  begins.push(...(steps[0]?.chance.splice(0) ?? []))
  writeFileSync(file(name), `${JSON.stringify({ devices, begins, steps } satisfies Transcript, null, 2)}\n`)
}

if (process.env['BLUETICK_RECORD']) for (const name of transcripts) await record(name)

it.each(transcripts)('%s is what our devices write and read, in either place', async (name) => {
  const { devices, begins, steps }: Transcript = JSON.parse(readFileSync(file(name), 'utf8'))
  const chance = begins.map(unhex)
  const replayed = { ...plainPrimitives, random: () => chance.shift() ?? expect.fail('more chance was taken') }
  const [alice, bob] = await Promise.all([ours(devices.alice), ours(devices.bob)])
  const at: { alice: Pairing; bob: Pairing | undefined } = { alice: await begun(alice, bob, replayed), bob: undefined }
  for (const step of steps) {
    chance.push(...step.chance.map(unhex))
    if ('reads' in step) {
      const written = steps[step.reads]
      if (!written || !('part' in written)) return expect.fail('no such step')
      const part = { type: written.part.type, bytes: unhex(written.part.bytes) } as Part
      const pairing = at[step.by] ?? (await answered(bob, alice, part, replayed))
      const found = await read(replayed, pairing, part, written.about)
      if (typeof found === 'string') return expect.fail(found)
      expect(textOf(found.text)).toBe(written.writes)
      at[step.by] = found.pairing
    } else {
      const { pairing, part } = mustWrite(at[step.by] ?? expect.fail('too early'), step.writes, step.about)
      expect({ type: part.type, bytes: hex(part.bytes) }).toEqual(step.part)
      at[step.by] = pairing
    }
    expect(chance).toEqual([])
  }
})

/** A device of ours with the secrets of one in Python, and the bundle that this one signed. */
async function ours({ secrets, ...text }: BundleText & { secrets: SecretsText }): Promise<Device> {
  const pair = async (secret: string) => ({
    secret: unhex(secret),
    public: await plainPrimitives.publicOf(unhex(secret)),
  })
  const me = { ...text.owner, identity: identityOf(unhex(secrets.identity)) }
  const [once] = secrets.once
  const device = deviceOf(me, await pair(secrets.signed), once === undefined ? undefined : await pair(once))
  const { signature, ...rest } = device.bundle.signed
  const bundle = mustBeChecked(bundleOf(text))
  expect(bundle).toEqual({ ...device.bundle, signed: { ...rest, signature: bundle.signed.signature } })
  return { ...device, bundle }
}
