/** Reads what comes: an entry with a part for this device becomes the message that it is. */
import { bytesToHex } from '@noble/hashes/utils.js'
import type { EntryFrame } from '../../protocol/frames.ts'
import type { Body } from '../../protocol/ids.ts'
import { type Told, toldIn } from '../../protocol/keys/parts.ts'
import { isSealed } from '../../protocol/sealed.ts'
import type { Engine } from './engine.ts'
import type { Line } from './line.ts'
import { type Part, parsePart } from './message.ts'
import { type ReadOne, readOne } from './pairings.ts'
import { payloadIn } from './payload.ts'
import { nameOf, peerOf } from './peers.ts'
import { memberNamed, type Pin } from './pins.ts'
import type { Unread, Why } from './types.ts'

type Carrying = Extract<EntryFrame, readonly ['message' | 'copy', ...unknown[]]>

/** Items of a frame that was not sealed; one that was opened here has one more. */
const lengths = { message: 10, copy: 11 } as const

/** The frame as the session takes it. `unread` is told of what cannot be read, in whose place something gone is. */
export async function opened(
  engine: Engine,
  line: Line,
  frame: Carrying,
  refusesPlain: boolean,
  unread: (unread: Unread) => void,
): Promise<EntryFrame> {
  const [kind, seq, id, other, , body] = frame
  const sealed = isSealed(body)
  const [from, chat] = kind === 'copy' ? [engine.user, other as string] : [other as string, engine.user]
  if (!sealed && !(refusesPlain && isPlain(frame, engine))) return frame
  // A repeat, which the session knows: its key is gone.
  if (engine.peers.isPast(engine.epoch, seq)) return withBody(frame, '')
  if (!sealed) return gone('plaintext')
  if (engine.peers.wasRead(nameOf(from, id))) return ['gone', seq, seq]
  const told = toldIn(body)
  // What this device has sent itself, and has.
  if (kind === 'copy' && told?.from === engine.device) return withBody(frame, '')
  if (!told?.part) return gone('no_part')
  const found = await open(engine, line, { ...told, from: told.from, user: from, chat, id, seq }, told.part as Part)
  return 'why' in found ? gone(found.why) : withBody(frame, found.body)

  function gone(why: Why): EntryFrame {
    unread({ id, chat: kind === 'copy' ? chat : from, from, why })
    return ['gone', seq, seq]
  }
}

/** A message of a person who seals, which is not sealed. */
const isPlain = ([kind, , , from, , , , place, , change]: Carrying, { pins }: Engine): boolean =>
  kind === 'message' && !place && !change && (pins.of(from)?.chain.n ?? 0) > 0

type Found = { readonly body: Body } | { readonly why: Why }
type About = Pick<Told, 'from'> & {
  readonly user: string
  readonly chat: string
  readonly id: string
  readonly seq: number
}

async function open(engine: Engine, line: Line, about: About, part: Part): Promise<Found> {
  const { user, chat, id, seq } = about
  const pin = await withDevice(engine, line, user, about.from)
  const member = memberNamed(pin.chain, about.from)
  if (!member) return { why: 'unknown_device' }
  const parsed = parsePart(part)
  if (typeof parsed === 'string') return { why: parsed }
  if (parsed.opening && bytesToHex(parsed.opening.identity) !== bytesToHex(member.identity))
    return { why: 'unknown_device' }
  const primitives = await engine.primitives()
  const peer = peerOf({ user, identity: member.identity })
  return engine.alone(async () => {
    const { me, own, peers, epoch } = engine
    const keeper = { me, prekeys: own, answered: new Set(own.answered.keys()) }
    const found = await readOne(primitives, keeper, { user, device: about.from }, peers.of(peer), part, { chat, id })
    if (typeof found === 'string') return { why: found }
    return taken(engine, pin, user, found, { epoch, seq, peer, place: found.place, name: nameOf(user, id) })
  })
}

/** Keeps what was read, whatever it says. */
function taken(
  engine: Engine,
  { chain: { user: by } }: Pin,
  user: string,
  { pairings, opening, text }: ReadOne,
  at: Parameters<Engine['changed']>[2] & object,
): Found {
  engine.changed(new Map([[at.peer, pairings]]), opening ? engine.own.opened(opening) : [], at)
  const payload = payloadIn(text)
  if (!payload) return { why: 'other_version' }
  const { pins } = engine
  if (pins.compare(by, payload.mine)) pins.doubt(by)
  if (user !== engine.user && pins.compare(engine.user, payload.theirs)) pins.doubt(engine.user)
  return { body: payload.body }
}

/** Its user's chain; where it does not know the device, the server may know more. */
async function withDevice({ pins }: Engine, line: Line, user: string, device: string): Promise<Pin> {
  const pin = await pins.known(line, user)
  return memberNamed(pin.chain, device) ? pin : pins.fresh(line, user)
}

/** With an item more than it may have: what was sealed and is not. */
function withBody(frame: Carrying, body: Body): EntryFrame {
  const items: unknown[] = [...frame]
  items[5] = body
  while (items.length < lengths[frame[0]]) items.push(null)
  return [...items, true] as unknown as EntryFrame
}
