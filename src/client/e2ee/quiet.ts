/** What one device says to another, sealed, and seen by nobody else: it is sent as a message that wakes and counts for nobody. */
import type { SendFrame } from '../../protocol/frames.ts'
import type { MessageId, UserId } from '../../protocol/ids.ts'
import { sentBody } from '../../protocol/keys/parts.ts'
import { systemClock } from '../clock.ts'
import { uuidv7 } from '../uuid.ts'
import type { Engine } from './engine.ts'
import type { Line } from './line.ts'
import type { Pairings } from './pairings.ts'
import { type Payload, payloadBytes } from './payload.ts'
import { headOf, memberNamed, type Pin, waits } from './pins.ts'
import { begunMs, mostOfAll } from './repairs.ts'
import { type Addressee, addressee, begin, paired, partFor } from './sealing.ts'

type Said = Pick<Payload, 'body' | 'of' | 'chat' | 'says' | 'change' | 'list' | 'media' | 'preview'>
export type Device = { readonly user: string; readonly device: string }

/**
 * Answers whether the server has it; false: it is not to be sent, now or ever. `anew`: in a pairing that was begun for that. Rejects when the
 * connection is over.
 */
export async function sayQuietly(engine: Engine, line: Line, to: Device, says: Said, anew: boolean): Promise<boolean> {
  const { pins } = engine
  const id = uuidv7() as MessageId
  let sealed: { readonly stamp: string; readonly body: Uint8Array } | undefined
  for (let again = false; ; again = true) {
    const [theirs, mine] = [await pins.known(line, to.user), await pins.known(line, engine.user)]
    if (waits(theirs)) return false
    // Said again it is the same bytes, as long as no device has come or gone: who is refused for now must not go on in the ratchet with each try.
    const stamp = `${theirs.chain.n} ${mine.chain.n}`
    const body = sealed?.stamp === stamp ? sealed.body : await seal(engine, line, to, { theirs, mine, id, says, anew })
    if (!body) return false
    sealed = { stamp, body }
    await engine.vault.flush()
    const frame: SendFrame = ['send', id, to.user as UserId, body, again]
    const answer = await line.send(frame)
    if (answer[0] === 'sent') return true
    if (answer[1] === 'stale_devices') pins.doubt(to.user, engine.user)
    if (answer[4] === 0) return false
    await line.pause(answer[4])
  }
}

type About = {
  readonly theirs: Pin
  readonly mine: Pin
  readonly id: MessageId
  readonly says: Said
  readonly anew: boolean
}

async function seal(engine: Engine, line: Line, { user, device }: Device, about: About) {
  const { theirs, mine, id, says, anew } = about
  const member = memberNamed(theirs.chain, device)
  if (!member || !engine.own.isIn(mine.chain, engine.device)) return undefined
  const to = addressee(user, member)
  const ephemeral = anew ? await begun(engine, line, user, to) : undefined
  if (!anew) await paired(engine, line, user, user, [to])
  const payload = payloadBytes({ ...says, mine: headOf(mine.chain), theirs: headOf(theirs.chain) })
  return engine.alone(async () => {
    const changes = new Map<string, Pairings>()
    const parts = partFor(engine, to, payload, { chat: user, id }, changes, ephemeral)
    if (parts.length === 0) return undefined
    engine.changed(changes)
    return sentBody({ theirs: theirs.chain.n, mine: mine.chain.n, parts, own: [], quiet: true })
  })
}

/** A pairing that was begun since what there was may be broken: the other device takes it for its own, once it has read in it. */
export async function begun(engine: Engine, line: Line, chat: string, to: Addressee): Promise<string | undefined> {
  const all = engine.begun
  const now = systemClock.monotonic()
  for (const [peer, { at }] of all) if (now - at >= begunMs) all.delete(peer)
  const last = all.get(to.peer)
  const isThere = engine.peers.of(to.peer).some(({ opening }) => String(opening.ephemeral) === last?.ephemeral)
  if (last && isThere) return last.ephemeral
  if (all.size >= mostOfAll) return undefined
  await begin(engine, line, chat, to.user, [to], () => true)
  const ephemeral = String(engine.peers.of(to.peer).at(-1)?.opening.ephemeral)
  all.set(to.peer, { ephemeral, at: now })
  return ephemeral
}
