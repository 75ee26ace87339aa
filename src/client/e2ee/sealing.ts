/** Seals what goes: for each device of whom it is for, and for the other devices of this user. */
import { bytesToHex } from '@noble/hashes/utils.js'
import type { SendFrame } from '../../protocol/frames.ts'
import type { DeviceId, MediaRef, MessageId, UserId } from '../../protocol/ids.ts'
import { bundlesIn } from '../../protocol/keys/bundles.ts'
import type { Member } from '../../protocol/keys/chain.ts'
import { type DevicePart, sentBody } from '../../protocol/keys/parts.ts'
import { systemClock } from '../clock.ts'
import { RefusedError } from '../errors.ts'
import type { Engine, SealedSend } from './engine.ts'
import type { Line } from './line.ts'
import { bodyType } from './medium.ts'
import { pair, write } from './pairing.ts'
import { type Pairings, withBegun, withChanged } from './pairings.ts'
import { type Payload, payloadBytes } from './payload.ts'
import { peerOf } from './peers.ts'
import { headOf, type Pin } from './pins.ts'
import { canWrite } from './ratchet.ts'
import { checkedBundle } from './x3dh.ts'

/** Bytes of a sealed body, with what is in it for each device: what is more goes as what the message carries. */
const mostBytes = 64 * 1024

/** A device that something is sealed for. */
export type Addressee = Member & { readonly user: string; readonly peer: string }

/** What is to be sealed, and for whom. `stamp`: with `ns`, what the bytes depend on. */
export type Draft = Pick<SealedSend, 'ns' | 'stamp'> & {
  readonly says?: { readonly change: string; readonly list: string }
  /** What needs the network. */
  readonly prepare: () => Promise<unknown>
  /** undefined: there is no device that it could be sealed for. */
  readonly seal: (changes: Map<string, Pairings>) => Uint8Array | undefined
}

export function draft(engine: Engine, line: Line, [, id, to, body, , media]: SendFrame, theirs: Pin, mine: Pin): Draft {
  const [their, my] = [addressees(engine, theirs), addressees(engine, mine)]
  const [n, ownN] = [theirs.chain.n, mine.chain.n]
  return {
    ns: { [to]: n, [engine.user]: ownN },
    stamp: '',
    prepare: async () => {
      await paired(engine, line, to, to, their)
      await paired(engine, line, to, engine.user, my)
    },
    seal: (changes) => {
      const payload = payloadBytes({
        body,
        mine: headOf(mine.chain),
        theirs: headOf(theirs.chain),
        ...carried({ media }),
      })
      const seal = (all: readonly Addressee[]) =>
        all.flatMap((one) => partFor(engine, one, payload, { chat: to, id }, changes))
      const [parts, own] = [seal(their), seal(my)]
      return parts.length > 0 ? sentBody({ theirs: n, mine: ownN, parts, own }) : undefined
    },
  }
}

/** What a message carries, as its payload says it. */
export const carried = ({
  media,
}: {
  readonly media?: MediaRef | null | undefined
}): Pick<Payload, 'media' | 'preview'> => (media ? { media: media.media, preview: media.preview } : {})

/** Of a send, which is a smaller one where it was too large. */
type DraftOf = (frame: SendFrame) => Draft | Promise<Draft>

/** The send as it leaves, durable before: the same bytes as before, unless devices have come or gone. */
export async function sealedSend(engine: Engine, frame: SendFrame, draftOf: DraftOf): Promise<SendFrame | undefined> {
  const known = engine.sealed.get(frame[1])
  const draft = await draftOf(frame)
  const isCurrent = known && known.stamp === draft.stamp && JSON.stringify(known.ns) === JSON.stringify(draft.ns)
  let sealed = isCurrent ? known : await sealAnew(engine, frame, draft)
  if (sealed === 'too_large') {
    const smaller = await (await engine.later.media()).smaller(engine, frame)
    sealed = await sealAnew(engine, smaller, await draftOf(smaller), frame[3])
  }
  if (sealed === 'too_large') throw new RefusedError(sealed)
  if (!sealed) return undefined
  await engine.vault.flush()
  const { body, media } = sealed
  return Object.assign([...frame], { 3: body, ...(media && { 5: media }) }) as unknown as SendFrame
}

/** `body`: what it is for the person, and for who asks for it later. */
async function sealAnew(engine: Engine, frame: SendFrame, { ns, stamp, says, prepare, seal }: Draft, body = frame[3]) {
  const [, id, to, , , ref] = frame
  await prepare()
  const media = ref ? (await engine.later.media()).bareRef(ref) : undefined
  // Else it would leave as it is, and most of its key with it.
  if (ref && !media) throw new RefusedError('not_sealed')
  const until = systemClock.now() + engine.resendMs
  const step = says && { step: { ...says, id, by: engine.user, value: String(body) } }
  const isLong = ref?.type === bodyType
  return engine.alone(async () => {
    const changes = new Map<string, Pairings>()
    const bytes = seal(changes)
    if (!bytes) return undefined
    if (bytes.length > mostBytes) return 'too_large' as const
    const sealed: SealedSend = { to, ns, stamp, body: bytes, media, isLong, ...step }
    const logged = { to, body, ...(ref && !isLong && { media: ref }), ns, until, ...(says && { says }) }
    engine.changed(changes, [...engine.keepSealed(id, sealed), ...engine.repairs.log(id, logged)])
    return sealed
  })
}

/** All devices of a user but this one. */
export const addressees = ({ own }: Engine, { chain }: Pin): Addressee[] =>
  chain.members
    .filter(({ identity }) => bytesToHex(identity) !== bytesToHex(own.identity.public))
    .map((member) => addressee(chain.user, member))

export const addressee = (user: string, member: Member): Addressee => ({
  ...member,
  user,
  peer: peerOf({ user, identity: member.identity }),
})

/** `ephemeral`: of the pairing that it is to be written in; else it is that which has read last. */
export function partFor(
  { peers }: Engine,
  { peer, device }: Addressee,
  payload: Uint8Array,
  about: { readonly chat: string; readonly id: MessageId },
  changes: Map<string, Pairings>,
  ephemeral?: string,
): DevicePart[] {
  const pairings = peers.of(peer)
  const writing = pairings.filter(({ ratchet }) => canWrite(ratchet))
  const pairing = writing.find(({ opening }) => String(opening.ephemeral) === ephemeral) ?? writing[0]
  const written = pairing && write(pairing, payload, about)
  if (!written) return []
  changes.set(peer, withChanged(pairings, written.pairing))
  return [{ device: device as DeviceId, ...written.part }]
}

/** Begins pairings with those devices with which there is none yet. One that has left nothing gets no part. */
export async function paired(
  engine: Engine,
  line: Line,
  chat: string,
  user: string,
  devices: readonly Addressee[],
): Promise<void> {
  const canWriteTo = ({ peer }: Addressee) => engine.peers.of(peer).some(({ ratchet }) => canWrite(ratchet))
  const missing = devices.filter((device) => !canWriteTo(device))
  if (missing.length > 0) await begin(engine, line, chat, user, missing, (device) => !canWriteTo(device))
}

/** Begins pairings with those of these devices that are still missing when it is known how. */
export async function begin(
  engine: Engine,
  line: Line,
  chat: string,
  user: string,
  missing: readonly Addressee[],
  isMissing: (device: Addressee) => boolean,
): Promise<void> {
  const answer = await line.ask(['claim', line.ref(), chat as UserId, user as UserId])
  const bundles = answer[0] === 'bundles' ? (bundlesIn(answer[3]) ?? []) : []
  const primitives = await engine.primitives()
  await engine.alone(async () => {
    const changes = new Map<string, Pairings>()
    for (const device of missing) {
      const served = bundles.find(({ identity }) => bytesToHex(identity) === bytesToHex(device.identity))
      const owner = { realm: engine.realm, user, device: device.device }
      const bundle = served && checkedBundle({ ...served, owner })
      // A suite that the chain says it takes, and the bundle does not, was taken away by somebody.
      const isWhole = bundle && device.suites.every((suite) => bundle.signed.suites.includes(suite))
      const begun =
        isWhole && bundle.signed.number >= lastSeen(engine, device)
          ? await pair(primitives, engine.me, bundle)
          : undefined
      if (begun && isMissing(device)) changes.set(device.peer, withBegun(engine.peers.of(device.peer), begun))
    }
    engine.changed(changes)
  })
}

/** The number of the signed prekey that it was written to under last: of one before that the private key may have been stolen since. */
function lastSeen({ peers, own }: Engine, { peer }: Addressee): number {
  const begun = peers.of(peer).filter(({ initiator }) => own.is(initiator.identity))
  return begun.reduce((last, { opening }) => Math.max(last, opening.signed), 0)
}
