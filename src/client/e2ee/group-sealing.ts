/** Seals what goes to a group: the text once, and the key that reads it for each device of its members. */
import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, hexToBytes } from '@noble/hashes/utils.js'
import type { SendFrame } from '../../protocol/frames.ts'
import type { UserId } from '../../protocol/ids.ts'
import { framed, uint32 } from '../../protocol/keys/bytes.ts'
import { groupBody } from '../../protocol/keys/group.ts'
import { hashOf } from '../../protocol/keys/link.ts'
import type { Engine } from './engine.ts'
import type { Line } from './line.ts'
import { headBytes, keyPayload, payloadBytes } from './payload.ts'
import { headOf, type Pin, waits } from './pins.ts'
import { type List, listText, newcomers } from './roster.ts'
import { type Addressee, addressees, carried, type Draft, paired, partFor } from './sealing.ts'
import { seal } from './symmetric.ts'

/** What only its own text can be read with. */
export const sharedStatement = (realm: string, group: string, id: string, from: { user: string; device: string }) =>
  framed(['Bluetick/1/shared', realm, group, id, from.user, from.device])

/** Random bytes before the payload. */
export const saltBytes = 32
/**
 * The key of a text is its hash. All members are given it, and with a key of any other kind each of them could make another text, which the
 * server would put in the place of the first. Random bytes, with which the text begins, keep others from guessing it.
 */
export const keyOf = (statement: Uint8Array, text: Uint8Array): Uint8Array =>
  sha256(framed(['Bluetick/1/shared key', statement, text]))

/** Whom it is for: the members, and with a change those whom it adds. Whose devices the person has to accept first, or who has none, gets none. */
export async function draftForGroup(
  engine: Engine,
  line: Line,
  [, id, group, body, , media, change]: SendFrame,
  now: List,
  mine: Pin,
): Promise<Draft> {
  const added = change === 'add' ? newcomers(now, String(body)) : []
  const others = [...now.members.filter((user) => user !== engine.user), ...added]
  const pins = await Promise.all(others.map((user) => engine.pins.known(line, user)))
  const able = pins.filter((pin) => pin.chain.n > 0 && !waits(pin))
  const ns = Object.fromEntries([mine, ...able].map(({ chain }) => [chain.user, chain.n]))
  const says = change && { change, list: listText(now) }
  return {
    ns,
    stamp: now.hash,
    ...(says && { says }),
    prepare: async () => {
      const chatOf = (user: string) => (added.includes(user) ? user : group)
      const pairedWith = (pin: Pin, chat: string) => paired(engine, line, chat, pin.chain.user, addressees(engine, pin))
      await Promise.all([pairedWith(mine, engine.user), ...able.map((pin) => pairedWith(pin, chatOf(pin.chain.user)))])
    },
    seal: (changes) => {
      const { realm } = engine
      const heads = now.members.toSorted().map((user) => shortHead(user === engine.user ? mine : engine.pins.of(user)))
      const payload = payloadBytes({
        ...{ body, mine: headOf(mine.chain), theirs: { n: now.n, hash: hexToBytes(now.hash) } },
        ...{ ...says, ...carried({ media }), heads: framedHeads(heads) },
      })
      const statement = sharedStatement(realm, group, id, engine)
      const text = concatBytes(engine.random(saltBytes), payload)
      const key = keyOf(statement, text)
      const shared = seal(key, text, statement)
      const parts = (to: readonly Addressee[]) =>
        to.flatMap((one) => partFor(engine, one, keyPayload(key), { chat: group, id }, changes))
      const members = able.map((pin) => {
        const { user, n } = pin.chain
        return { user: user as UserId, n, parts: parts(addressees(engine, pin)) }
      })
      const own = parts(addressees(engine, mine))
      key.fill(0)
      return groupBody({ mine: mine.chain.n, own, shared, members, ...(change && { value: String(body) }) })
    },
  }
}

const shortHead = (pin: Pin | undefined): Uint8Array[] => {
  const last = pin?.links.at(-1)
  return [uint32(last ? (pin?.chain.n ?? 0) : 0), last ? hashOf(last).slice(0, headBytes) : new Uint8Array(headBytes)]
}

function framedHeads(heads: readonly Uint8Array[][]): Uint8Array {
  return Uint8Array.from(heads.flat().flatMap((bytes) => [...bytes]))
}
