/** Reads what comes: an entry with a part for this device becomes the message that it is. */
import type { EntryFrame } from '../../protocol/frames.ts'
import { isGroup } from '../../protocol/ids.ts'
import { type Told, textIn, toldIn } from '../../protocol/keys/parts.ts'
import { isLifetime } from '../../protocol/lifetime.ts'
import { isQuiet, isSealed } from '../../protocol/sealed.ts'
import type { Engine, InGroups } from './engine.ts'
import { chatOf, groupOf, sealedFrame, shownIn } from './frame.ts'
import type { Line } from './line.ts'
import { bodyType, mediumIn } from './medium.ts'
import type { Part } from './message.ts'
import { readOne } from './pairings.ts'
import { type Payload, payloadIn } from './payload.ts'
import { nameOf, peerOf } from './peers.ts'
import { memberNamed, type Pin } from './pins.ts'
import type { Device } from './quiet.ts'
import type { Repair } from './repair.ts'
import { type Carrying, hasVanished, type Sets } from './repairs.ts'
import type { Why } from './types.ts'

/** The frame as the session takes it: in the place of what cannot be read, or is not for people, something gone is. */
export async function opened(
  engine: Engine,
  repair: Repair,
  line: Line,
  frame: Carrying,
  refusesPlain: boolean,
): Promise<EntryFrame> {
  const [kind, seq, id, other, , body] = frame
  const group = groupOf(frame)
  const gone: EntryFrame = ['gone', seq, seq]
  const user = kind === 'copy' ? engine.user : (other as string)
  const failed = async (device: string, why: Why) => {
    await repair.failed(line, frame, { user, device }, why)
    return gone
  }
  // A repair may be of one.
  const inGroups = group || (isQuiet(body) && engine.hasGroups) ? await engine.withGroups() : undefined
  const isChange = group !== undefined && kind === 'message' && frame[7]?.change !== undefined
  if (!isSealed(body) && isChange) return inGroups?.plainChange(engine, group, frame) ?? gone
  if (!isSealed(body) && !(refusesPlain && (group || isPlain(frame, engine)))) return frame
  // A repeat, which the session knows: its key is gone.
  if (engine.peers.isPast(engine.epoch, seq)) return sealedFrame(frame, '')
  if (!isSealed(body)) return failed('', 'plaintext')
  const name = nameOf(user, id)
  if (engine.peers.wasRead(name) || engine.peers.isOpen(name, engine.epoch, seq)) return gone
  const told = toldIn(body)
  const from = told?.from ?? ''
  // What this device has sent itself, and has.
  if (kind === 'copy' && from === engine.device) return sealedFrame(frame, '', frame)
  if (isChange && !told?.part) return inGroups?.plainChange(engine, group, frame) ?? gone
  if (!told?.part) return isQuiet(body) ? gone : failed(from, 'no_part')
  const read = await whole([engine, repair, line, frame, { user, device: from }, told, inGroups])
  if (typeof read !== 'string') return read
  if (!isQuiet(body)) return failed(from, read)
  repair.unheard(line, { user, device: from })
  return gone
}

/** A message of a person who seals, or what another device of this user has sent to one, which is not sealed: neither in a group, nor a chat's new lifetime. */
function isPlain(frame: Carrying, { pins }: Engine): boolean {
  const [kind, , , other, , body] = frame
  const change = kind === 'copy' ? frame[10] : frame[9]
  if (isGroup(shownIn(frame)) || (change === 'lifetime' && isLifetime(body))) return false
  return (pins.of(other)?.chain.n ?? 0) > 0
}

type Given = readonly [
  engine: Engine,
  repair: Repair,
  line: Line,
  frame: Carrying,
  from: Device,
  told: Told,
  inGroups: InGroups | undefined,
]
/** The id of what holds a body that was too long. */
type Long = { readonly long: string }

/** With its body, where that is elsewhere: then it is read again, as nothing was kept of it before. */
async function whole(given: Given): Promise<EntryFrame | Why> {
  const [engine, , , , from] = given
  const sender = nameOf(from.user, from.device)
  if (engine.refusals.wait(sender) > 0) return 'rate_limited'
  const found = await open(given)
  // Others cost little.
  if (found === 'bad_tag' || found === 'bad_key') engine.refusals.failed(sender)
  if (typeof found === 'string' || !('long' in found)) return found
  const body = await (await engine.later.media()).bodyOf(engine, found.long)
  return body ? ((await open(given, body)) as EntryFrame | Why) : 'no_body'
}

/** `body`: of a long one. */
async function open(
  [engine, repair, line, frame, from, { part, shared }, inGroups]: Given,
  body?: Uint8Array,
): Promise<EntryFrame | Why | Long> {
  const [, seq, id] = frame
  const pin = await withDevice(engine, line, from.user, from.device)
  const member = memberNamed(pin.chain, from.device)
  if (!member) return 'unknown_device'
  const primitives = await engine.primitives()
  const peer = peerOf({ user: from.user, identity: member.identity })
  const group = groupOf(frame)
  const about = { chat: chatOf(frame, engine.user), id }
  return engine.alone(async () => {
    const { me, own, peers, epoch, realm } = engine
    const keeper = { me, prekeys: own, answered: new Set(own.answered.keys()) }
    const writer = { ...from, identity: member.identity }
    const read = await readOne(primitives, keeper, writer, peers.of(peer), part as Part, about)
    if (typeof read === 'string') return read
    const text = group ? inGroups?.textIn(realm, group, id, from, read.text, shared) : read.text
    // As with any bytes that somebody has changed, nothing has come of it.
    if (!text) return 'bad_tag'
    const sealed = payloadIn(text)
    const isLong = sealed !== undefined && mediumIn(sealed)?.type === bodyType
    if (isLong && !body) return { long: String(sealed.media) }
    const payload = isLong && body ? withBody(sealed, body) : sealed
    const said = payload && (payload.says || payload.of) ? repair.heard(line, from, payload) : undefined
    const name = nameOf(from.user, payload?.of || id)
    const { found, sets } = payload
      ? asMessage(engine, inGroups, frame, payload, name)
      : { found: 'other_version' as const, sets: [] }
    const openings = read.opening ? own.opened(read.opening) : []
    const at = { epoch, seq, peer, place: read.place, name: payload?.says ? nameOf(from.user, id) : name }
    engine.changed(new Map([[peer, read.pairings]]), [...openings, ...(said?.sets ?? []), ...sets], at)
    if (payload && group) inGroups?.compared(engine, repair, line, from, group, payload)
    else if (payload) compared(engine, pin, from.user, payload)
    said?.then()
    return found
  })
}

const withBody = (payload: Payload, body: Uint8Array): Payload => ({
  ...payload,
  body: typeof payload.body === 'string' ? textIn(body) : body,
  media: undefined,
})

type Found = { readonly found: EntryFrame; readonly sets: Sets }

/** What the session is to have of it: the message, or one of before that could not be read then. And what a change of a group makes of that. */
function asMessage(
  engine: Engine,
  inGroups: InGroups | undefined,
  frame: Carrying,
  payload: Payload,
  name: string,
): Found {
  const { repairs, peers } = engine
  const [, seq] = frame
  const { body, of, says, chat } = payload
  const gone: Found = { found: ['gone', seq, seq], sets: [] }
  const said = (frame: Carrying): Found => {
    const sets = inGroups ? inGroups.changes(engine, frame, payload) : []
    return sets ? { found: sealedFrame(frame, body, frame, payload), sets } : gone
  }
  if (!of && !says) return said(frame)
  const wanted = says ? undefined : repairs.wanted.get(name)
  const isOf = wanted && chatOf(wanted.frame, engine.user) === chat && !hasVanished(wanted)
  if (!isOf || peers.isOpen(name, engine.epoch, seq)) return gone
  return said(Object.assign([...wanted.frame], { 1: seq }) as unknown as Carrying)
}

/** How far its writer has followed the chains: where that is another way, or further, than this device. */
function compared({ pins, user: mine }: Engine, { chain }: Pin, from: string, payload: Payload): void {
  pins.compare(chain.user, payload.mine, true, from === mine)
  if (from !== mine) pins.compare(mine, payload.theirs, false)
}

/** Its user's chain; where it does not know the device, the server may know more. */
async function withDevice({ pins }: Engine, line: Line, user: string, device: string): Promise<Pin> {
  const pin = await pins.known(line, user)
  return memberNamed(pin.chain, device) ? pin : pins.fresh(line, user)
}
