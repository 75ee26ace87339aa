/** Reads what comes: an entry with a part for this device becomes the message that it is. */
import { bytesToHex } from '@noble/hashes/utils.js'
import type { EntryFrame } from '../../protocol/frames.ts'
import { type Body, isGroup } from '../../protocol/ids.ts'
import { toldIn } from '../../protocol/keys/parts.ts'
import { isLifetime } from '../../protocol/lifetime.ts'
import { isQuiet, isSealed, sealedItem } from '../../protocol/sealed.ts'
import type { Engine } from './engine.ts'
import type { Line } from './line.ts'
import { type Part, parsePart } from './message.ts'
import { readOne } from './pairings.ts'
import { type Payload, payloadIn } from './payload.ts'
import { nameOf, peerOf } from './peers.ts'
import { memberNamed, type Pin } from './pins.ts'
import type { Device } from './quiet.ts'
import type { Repair } from './repair.ts'
import type { Carrying } from './repairs.ts'
import type { Why } from './types.ts'

/** Where a frame says that it is a change, or of a group: what is sealed is neither, whatever the server says. */
const unsealed = { message: [7, 9], copy: [10] } as const

/** The frame as the session takes it: in the place of what cannot be read, or is not for people, something gone is. */
export async function opened(
  engine: Engine,
  repair: Repair,
  line: Line,
  frame: Carrying,
  refusesPlain: boolean,
): Promise<EntryFrame> {
  const [kind, seq, id, other, , body] = frame
  const gone: EntryFrame = ['gone', seq, seq]
  const user = kind === 'copy' ? engine.user : (other as string)
  const failed = (device: string, why: Why) => {
    repair.failed(line, frame, { user, device }, why)
    return gone
  }
  if (!isSealed(body) && !(refusesPlain && isPlain(frame, engine))) return frame
  // A repeat, which the session knows: its key is gone.
  if (engine.peers.isPast(engine.epoch, seq)) return withBody(frame, '')
  if (!isSealed(body)) return failed('', 'plaintext')
  if (engine.peers.wasRead(nameOf(user, id))) return gone
  const told = toldIn(body)
  const from = told?.from ?? ''
  // What this device has sent itself, and has.
  if (kind === 'copy' && from === engine.device) return withBody(frame, '')
  if (!told?.part) return isQuiet(body) ? gone : failed(from, 'no_part')
  const read = await open(engine, repair, line, frame, { user, device: from }, told.part as Part)
  if (typeof read !== 'string') return read
  if (!isQuiet(body)) return failed(from, read)
  repair.unheard(line, { user, device: from })
  return gone
}

/** A message of a person who seals, which is not sealed: neither in a group, nor a chat's new lifetime. */
const isPlain = ([kind, , , from, , body, , place, , change]: Carrying, { pins }: Engine): boolean =>
  kind === 'message' &&
  !(place && isGroup(String(place.group))) &&
  !(change === 'lifetime' && isLifetime(body)) &&
  (pins.of(from)?.chain.n ?? 0) > 0

async function open(
  engine: Engine,
  repair: Repair,
  line: Line,
  frame: Carrying,
  from: Device,
  part: Part,
): Promise<EntryFrame | Why> {
  const [kind, seq, id, other] = frame
  const pin = await withDevice(engine, line, from.user, from.device)
  const member = memberNamed(pin.chain, from.device)
  if (!member) return 'unknown_device'
  const parsed = parsePart(part)
  if (typeof parsed === 'string') return parsed
  if (parsed.opening && bytesToHex(parsed.opening.identity) !== bytesToHex(member.identity)) return 'unknown_device'
  const primitives = await engine.primitives()
  const peer = peerOf({ user: from.user, identity: member.identity })
  const about = { chat: kind === 'copy' ? other : engine.user, id }
  return engine.alone(async () => {
    const { me, own, peers, epoch } = engine
    const keeper = { me, prekeys: own, answered: new Set(own.answered.keys()) }
    const read = await readOne(primitives, keeper, from, peers.of(peer), part, about)
    if (typeof read === 'string') return read
    const payload = payloadIn(read.text)
    const said = payload && (payload.says || payload.of) ? repair.heard(line, from, payload) : undefined
    const name = nameOf(from.user, payload?.of || id)
    const found = payload ? asMessage(engine, frame, payload, name) : 'other_version'
    const openings = read.opening ? own.opened(read.opening) : []
    const at = { epoch, seq, peer, place: read.place, name: payload?.says ? nameOf(from.user, id) : name }
    engine.changed(new Map([[peer, read.pairings]]), [...openings, ...(said?.sets ?? [])], at)
    if (payload) compared(engine, pin, from.user, payload)
    said?.then()
    return found
  })
}

/** What the session is to have of it: the message, or one of before that could not be read then. */
function asMessage({ repairs, peers }: Engine, frame: Carrying, { body, of, says }: Payload, name: string): EntryFrame {
  const [, seq] = frame
  if (!of && !says) return withBody(frame, body)
  const wanted = says ? undefined : repairs.wanted.get(name)
  if (!wanted || peers.isOpen(name, seq)) return ['gone', seq, seq]
  return withBody(Object.assign([...wanted.frame], { 1: seq }) as unknown as Carrying, body)
}

/** How far its writer has followed the chains: where that is another way, or further, than this device. */
function compared({ pins, user: mine }: Engine, { chain }: Pin, from: string, payload: Payload): void {
  if (pins.compare(chain.user, payload.mine, true)) pins.doubt(chain.user)
  if (from !== mine && pins.compare(mine, payload.theirs, false)) pins.doubt(mine)
}

/** Its user's chain; where it does not know the device, the server may know more. */
async function withDevice({ pins }: Engine, line: Line, user: string, device: string): Promise<Pin> {
  const pin = await pins.known(line, user)
  return memberNamed(pin.chain, device) ? pin : pins.fresh(line, user)
}

/** What was sealed and is not. */
function withBody(frame: Carrying, body: Body): EntryFrame {
  const items: unknown[] = [...frame]
  items[5] = body
  for (const at of unsealed[frame[0]]) items[at] = null
  return [...items, sealedItem] as unknown as EntryFrame
}
