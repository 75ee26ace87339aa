/** Reads what comes in a sealed group: who it has, what changes that, and what else its writers have seen. */
import { equalBytes } from '@noble/ciphers/utils.js'
import type { EntryFrame } from '../../protocol/frames.ts'
import type { GroupId } from '../../protocol/ids.ts'
import { uint32At } from '../../protocol/keys/bytes.ts'
import { valueIn } from '../../protocol/sealed.ts'
import { systemClock } from '../clock.ts'
import type { Engine } from './engine.ts'
import { groupOf, sealedFrame } from './frame.ts'
import { keyOf, saltBytes, sharedStatement } from './group-sealing.ts'
import { asks } from './group-sending.ts'
import type { Groups } from './groups.ts'
import type { Line } from './line.ts'
import { headBytes, keyIn, type Payload } from './payload.ts'
import type { Device } from './quiet.ts'
import type { Repair } from './repair.ts'
import type { Carrying, Sets } from './repairs.ts'
import { open } from './symmetric.ts'

/** The text of a message, from what was in the part; undefined: somebody has changed it, who may be another member. */
export function textIn(
  realm: string,
  group: GroupId,
  id: string,
  from: Device,
  part: Uint8Array,
  shared: Uint8Array | undefined,
): Uint8Array | undefined {
  const [key, statement] = [keyIn(part), sharedStatement(realm, group, id, from)]
  const text = key && shared && open(key, shared, statement)
  return text && equalBytes(keyOf(statement, text), key) ? text.subarray(saltBytes) : undefined
}

/**
 * A change of a sealed group that is not sealed for this device: what the server says, and what its own is among the rest. Who comes by one is
 * named, and given nothing; who leaves by one is given nothing more.
 */
export function plainChange(engine: Engine, group: GroupId, frame: Carrying): EntryFrame {
  const [, , id, by, , body, , place] = frame as Extract<Carrying, readonly ['message', ...unknown[]]>
  const { vault, sealed } = engine
  const groups = engine.groups as Groups
  const value = String(valueIn(body))
  const bare = Object.assign([...frame], { 5: value }) as unknown as Carrying
  // Its entry may come before it is said to be sent.
  if (by === engine.user && (groups.knows(group, id) || sealed.get(id)?.step)) return sealedFrame(bare, value, frame)
  const { change, at = 0 } = place ?? {}
  if (change === 'add') groups.unsealed(group, value.split('\n').filter(Boolean))
  if (change === 'join') groups.unsealed(group, [by])
  const gone = change === 'leave' ? by : change === 'remove' ? value : undefined
  if (gone !== undefined) vault.set(groups.left(group, { id, at, by, change: 'leave', value: gone }))
  return bare
}

/** What a change makes of a group, as its author has sealed it; undefined: they may not make it. */
export function changes({ groups, user }: Engine, frame: Carrying, { body, change, list }: Payload): Sets | undefined {
  const group = groupOf(frame)
  if (!change || list === undefined || !group || frame[0] !== 'message') return []
  const [, , id, by, , , , place] = frame
  const step = { at: place?.at ?? 0, id, by, change, value: String(body), heard: systemClock.now() }
  return (groups as Groups).changed(group, user, step, list)
}

/** In a group: who it has, and of each of them how far their chain was followed. */
export function compared(
  engine: Engine,
  repair: Repair,
  line: Line,
  from: Device,
  group: GroupId,
  payload: Payload,
): void {
  const { pins, user: mine } = engine
  const groups = engine.groups as Groups
  const { heads = new Uint8Array(0), theirs } = payload
  pins.compare(from.user, payload.mine, true, from.user === mine)
  const now = groups.of(group)
  // What is said again may be of before they left.
  if (!payload.of && !payload.change) groups.unsealed(group, [from.user])
  if (!payload.change && groups.differs(group, theirs, from.user)) {
    if (from.user === mine || now?.admins.includes(from.user)) asks(engine, repair, line, from, group)
    return
  }
  const each = 4 + headBytes
  if (heads.length !== each * (now?.members.length ?? 0)) return
  for (const [at, user] of (now?.members ?? []).toSorted().entries()) {
    const head = heads.slice(at * each, (at + 1) * each)
    if (user !== from.user) pins.compare(user, { n: uint32At(head, 0), hash: head.slice(4) }, false)
  }
}
