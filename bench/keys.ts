/** What the keys of one device take, without anything around: CPU of each step in microseconds. */

import { parsePart } from '../src/client/e2ee/message.ts'
import { pair, paired, partyOf, read, write } from '../src/client/e2ee/pairing.ts'
import { plainPrimitives } from '../src/client/e2ee/plain.ts'
import { newKeyPair } from '../src/client/e2ee/primitives.ts'
import { platformPrimitives } from '../src/client/e2ee/webcrypto.ts'
import { checkedBundle, identityOf } from '../src/client/e2ee/x3dh.ts'
import { prekeyStatement } from '../src/protocol/keys/prekeys.ts'
import { sign } from '../src/protocol/keys/signing.ts'

/** Times that each is done. */
const [pairings, messages] = [50, 1_000]

export async function keyCosts(bodyBytes: number): Promise<Record<string, number>> {
  const primitives = await platformPrimitives(async () => plainPrimitives)
  const [alice, bob] = ['alice', 'bob'].map((user) => {
    return { realm: '', user, device: 'phone', identity: identityOf(primitives.random(32)) }
  }) as [Me, Me]
  const [signed, once] = [await newKeyPair(primitives), await newKeyPair(primitives)]
  const prekey = { number: 1, key: signed.public, suites: Uint8Array.of(1) }
  const signature = sign(prekeyStatement(bob, prekey), bob.identity.seed)
  const owner = { realm: '', user: 'bob', device: 'phone' }
  const bundle = () =>
    must(
      checkedBundle({
        owner,
        identity: bob.identity.public,
        signed: { ...prekey, signature },
        once: { number: 1, key: once.public },
      }),
    )
  const prekeys = { signed: () => signed, once: () => once }
  const text = primitives.random(bodyBytes)
  const about = { chat: 'bob', id: '01890a5d-ac96-774b-bcce-b302099a8057' }
  const beginning = await timed(pairings, async () => pair(primitives, alice, bundle()))
  let mine = must(await pair(primitives, alice, bundle()))
  const first = must(write(mine, text, about))
  const opening = parsePart(first.part)
  const answered = async () => {
    if (typeof opening === 'string' || !opening.opening) throw new Error('it begins nothing')
    const pairing = await paired(primitives, bob, partyOf(alice), opening.opening, prekeys)
    if (typeof pairing === 'string') throw new Error(pairing)
    return must(readable(await read(primitives, pairing, first.part, about)))
  }
  const answering = await timed(pairings, answered)
  let theirs = (await answered()).pairing
  const parts: Part[] = []
  const sealing = await timed(messages, async () => {
    const written = must(write(mine, text, about))
    mine = written.pairing
    parts.push(written.part)
  })
  const opened = await timed(messages, async () => {
    theirs = must(readable(await read(primitives, theirs, parts.shift() as Part, about))).pairing
  })
  return {
    begin_a_pairing_cpu_us: beginning,
    answer_a_pairing_cpu_us: answering,
    seal_for_a_device_cpu_us: sealing,
    open_cpu_us: opened,
  }
}

type Me = Parameters<typeof pair>[1]
type Part = Parameters<typeof read>[2]

async function timed(times: number, once: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage()
  for (let n = 0; n < times; n++) await once()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / times
}

const readable = <T>(found: T | string): T | undefined => (typeof found === 'string' ? undefined : found)

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('keys that nobody has made')
  return value
}
