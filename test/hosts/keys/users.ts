/** Devices that leave their public keys at a host, for tests. */
import { bytesToHex } from '@noble/hashes/utils.js'
import { openSettings } from '../../../actors/settings.ts'
import { plainPrimitives } from '../../../src/client/e2ee/plain.ts'
import { newKeyPair } from '../../../src/client/e2ee/primitives.ts'
import { identityOf } from '../../../src/client/e2ee/x3dh.ts'
import { Keys } from '../../../src/hosts/keys/keys.ts'
import { memoryStore } from '../../../src/index.ts'
import type { ServerFrame } from '../../../src/protocol/frames.ts'
import type { DeviceId, UserId } from '../../../src/protocol/ids.ts'
import { bundlesIn } from '../../../src/protocol/keys/bundles.ts'
import { type Chain, noLinks, recalled } from '../../../src/protocol/keys/chain.ts'
import { newAddition, signedLink, type Unsigned } from '../../../src/protocol/keys/link.ts'
import { prekeyStatement } from '../../../src/protocol/keys/prekeys.ts'
import { sign } from '../../../src/protocol/keys/signing.ts'
import { uploadBytes } from '../../../src/protocol/keys/upload.ts'
import { completeLimits, type Limits } from '../../../src/protocol/limits.ts'
import type { Settings } from '../../../src/protocol/settings.ts'
import type { Store } from '../../../src/store/contract.ts'

const realm = 'test'
const suites = Uint8Array.of(1)
/** As many keys as any test leaves: to make one takes 3 ms. */
const pool = await Promise.all(Array.from({ length: 60 }, () => newKeyPair(plainPrimitives)))

export type Host = Awaited<ReturnType<typeof host>>

/** `settings`: of everybody. */
export async function host(
  given: {
    limits?: Partial<Limits>
    store?: Partial<Store>
    settings?: Partial<Settings>
    swallows?: boolean
    isAlone?: boolean
  } = {},
) {
  const store = memoryStore()
  await store.open()
  const told: [string, string, ServerFrame][] = []
  const said: unknown[] = []
  let now = 0
  const keys = new Keys({
    store: { ...store, ...given.store },
    router: {
      query: async () => ({ ...openSettings, ...given.settings }),
      tell: (...one: unknown[]) => void said.push(one),
    } as never,
    limits: completeLimits(given.limits),
    clock: { now: () => now, monotonic: () => now },
    sealing: 'allowed',
    realm,
    isAlone: given.isAlone ?? true,
    swallows: given.swallows ?? false,
    tell: (...one) => void told.push(one),
  })
  const pass = (ms: number) => {
    now += ms
  }
  return { keys, store, told, said, pass }
}

export function device(of: Host, user: string, name = 'phone', seedByte = name.length * 7 + user.length) {
  const identity = identityOf(new Uint8Array(32).fill(seedByte))
  const owner = { realm, user, device: name }
  const asker = { user: user as UserId, device: name as DeviceId }
  const { keys } = of
  const prekeys = (
    count: number,
    first = 1,
    changes: { from?: number; number?: number; owner?: typeof owner } = {},
  ) => {
    const { from = 1, number = 1 } = changes
    const unsigned = { number, key: pool[59 - number]?.public as Uint8Array, suites }
    const signed = { ...unsigned, signature: sign(prekeyStatement(changes.owner ?? owner, unsigned), identity.seed) }
    const some = pool.slice(first - 1, first - 1 + count).map((pair) => pair.public)
    return keys.answer(asker, [
      'prekeys',
      'p',
      uploadBytes({ identity: identity.public, signed, from, first, keys: some }),
    ])
  }
  const addition = newAddition(owner, identity.public, suites, identity.seed)
  const chain = async (whose: string = user): Promise<Chain> => {
    let chain = noLinks(realm, whose)
    for (const link of await of.store.links(whose as UserId, 1)) chain = recalled(chain, link) as Chain
    return chain
  }
  const link = async (changes: Partial<Unsigned>) => {
    const { n, hash } = await chain()
    const unsigned = {
      kind: 'change',
      user,
      n: n + 1,
      previous: hash,
      at: 0,
      add: [],
      remove: [],
      by: identity.public,
    } as const
    return keys.answer(asker, ['link', 'l', signedLink(realm, { ...unsigned, ...changes }, identity.seed)])
  }
  /** Of a user who has none: the first. */
  const begins = async () => {
    await prekeys(3)
    return link({ kind: 'first', add: [addition] })
  }
  const claims = async (whose: string, chat = whose) => {
    const answer = await keys.answer(asker, ['claim', 'c', chat as UserId, whose as UserId])
    return answer[0] === 'bundles' ? (bundlesIn(answer[3]) ?? []) : answer.slice(0, 2)
  }
  const shelf = () => of.store.shelf(user as UserId, bytesToHex(identity.public))
  return { asker, identity, addition, prekeys, chain, link, begins, claims, shelf }
}
