/** The guarantees of DESIGN section 4, as a world must keep them. */
import { expect } from 'vitest'
import type { Message } from '../../actors/group/types.ts'
import type { Entry } from '../../src/protocol/entry.ts'
import { isErased, starts, waitsFor } from '../../src/protocol/entry.ts'
import type { ServerFrame } from '../../src/protocol/frames.ts'
import { isGroup, type MessageId, type UserId } from '../../src/protocol/ids.ts'
import { chats } from './chats.ts'
import type { Device, Sent } from './device.ts'
import { carried } from './media.ts'
import { team } from './names.ts'
import { told, watches } from './presence.ts'
import type { World } from './world.ts'

type Span = { readonly user: UserId; readonly from: number; to: number }

/** Who was in the group from where to where, by its log; who is invited sees the entry that says so. */
function spans(log: readonly Message[]): Span[] {
  const all: Span[] = []
  const join = (user: UserId, from: number, to = Number.POSITIVE_INFINITY) => all.push({ user, from, to })
  for (const { seq, from, body, change } of log) {
    if (change === 'create' || change === 'join') join(from, seq)
    const [added = '', invited = ''] = `\n${body}`.split('\n\n')
    if (change === 'add') for (const user of added.split('\n').filter(Boolean)) join(user as UserId, seq)
    if (change === 'add') for (const user of invited.split('\n').filter(Boolean)) join(user as UserId, seq, seq)
    const gone = change === 'leave' ? from : change === 'remove' ? body : undefined
    for (const span of all) if (span.user === gone && span.to === Number.POSITIVE_INFINITY) span.to = seq
  }
  return all
}

const logOf = (world: World, user: UserId) =>
  world.log(user) ?? { epoch: 0, written: [], erased: new Set<number>(), due: new Set<number>() }
const teamLog = (world: World): Message[] => logOf(world, team).written as Message[]

/** A program may delete what no device has got yet. */
function isUnheard(world: World, user: UserId, chat: UserId, seq: number): boolean {
  const entry = logOf(world, user).written[seq - 1]
  const isErased = entry !== undefined && 'id' in entry && world.disk.everErased.has(`${user} ${entry.id}`)
  return isErased && world.programs.has(`${user} ${chat}`)
}

/** Of what stands there in a group some member's copy is unheard. */
const isCopyUnheard = (world: World, at: number, group: UserId): boolean =>
  world.devices.some(({ user }) =>
    logOf(world, user).written.some(
      (entry) =>
        entry.is === 'message' &&
        entry.place?.group === group &&
        entry.place.at === at &&
        isUnheard(world, user, group, entry.seq),
    ),
  )

/** What leaves the node, also on a wire that is dead. */
export function leaves(world: World, { user, name, outbox }: Device, frame: ServerFrame): void {
  if (frame[0] === 'welcome' && frame[9] === 'expired')
    expect(world.disk.known, 'only who was forgotten is told so').not.toContain(`${user} ${name}`)
  if (frame[0] === 'presence') told(world, frame)
  if (frame[0] === 'sent') {
    const [, id, , seq] = frame
    const sent = outbox.find((sent) => sent.id === id)
    if (sent) expect(logOf(world, sent.to).written[seq - 1], 'sent means durable').toMatchObject({ id })
  }
  if (frame[0] !== 'message' && frame[0] !== 'copy') return
  const [is, seq] = frame
  world.left.push(async () => {
    if (!logOf(world, user).erased.has(seq))
      expect((await world.entries(user, 0))[seq - 1]?.is, 'what is gone is not sent').toBe(is)
  })
}

/** Every other member who was in the group by then has what is delivered, or has deleted it. */
export function allHave(world: World, user: UserId, delivered: number): void {
  const log = teamLog(world)
  // Who has left meanwhile does not count.
  for (const { user: member, from } of spans(log).filter(({ to }) => to === Number.POSITIVE_INFINITY)) {
    const due = log.filter(
      (entry) => entry.seq >= from && entry.seq <= delivered && (entry.from !== member || entry.change),
    )
    if (member === user || due.length === 0) continue
    const devices = world.devices.filter((device) => device.user === member)
    const { written } = logOf(world, member)
    const stood = (at: number) => written.find((entry) => entry.is === 'message' && entry.place?.at === at)?.seq ?? 0
    const has = (at: number) =>
      devices.some(({ ever }) => ever.has(log[at - 1]?.id as MessageId)) || isUnheard(world, member, team, stood(at))
    for (const entry of due) expect(has(entry.seq), `${member} has ${entry.seq}`).toBe(true)
  }
}

/** A device of `peer` has got what is delivered, unless a program has deleted it before. */
export function earned(world: World, user: UserId, peer: UserId, epoch: number, delivered: number): void {
  const inbox = logOf(world, peer)
  if (inbox.epoch !== epoch) return
  const devices = world.devices.filter((device) => device.user === peer)
  for (const entry of inbox.written.slice(0, delivered)) {
    if (entry.is !== 'message' || entry.place || entry.from !== user || isUnheard(world, peer, user, entry.seq))
      continue
    expect(
      devices.some(({ ever }) => ever.has(entry.id)),
      `${peer} has ${entry.seq}`,
    ).toBe(true)
  }
}

/** No silent hole: what a device has of its log is what stands there. */
export function sameSoFar(world: World, { user, inbox }: Device): void {
  const { written } = logOf(world, user)
  const idOf = (entry: Entry | undefined) => (entry && 'id' in entry ? entry.id : undefined)
  for (const [index, entry] of inbox.entries()) {
    const is = entry.is === 'gone' ? undefined : entry.is
    if (is) expect([written[index]?.is, idOf(written[index])], 'no hole').toEqual([is, idOf(entry)])
  }
}

/** The guarantees of DESIGN section 4, once everything has come to rest. */
export async function check(world: World): Promise<void> {
  for (const device of world.devices) {
    for (const sent of device.outbox) {
      taken(world, device, sent)
      copied(world, device, sent)
    }
    for (const to of new Set(device.outbox.map((sent) => sent.to))) {
      const seqs = device.outbox.filter((sent) => sent.to === to && !isJudgedAnew(world, device, sent)).map(placeOf)
      expect(seqs, 'in order').toEqual([...seqs].sort((a, b) => a - b))
    }
    everyCopy(world, device)
    everyEntry(world, device, await nowOf(world, device.user))
    expect([...device.wanted], 'every read is confirmed').toEqual([])
    expect(device.deleting, 'every deletion is done').toEqual([])
    everyDeletion(world, device)
    watches(world, device)
  }
  await agreed(world)
  await chats(world)
  await carried(world)
  // In a group that everybody has left nothing happens any more: what is there stays for the retention time.
  for (const user of world.disk.logs.keys())
    if (user !== team || spansNow(world).length > 0) started(world, user, await nowOf(world, user))
}

/** A log as it is. A device may have been told so while the clock was ahead. */
const nowOf = (world: World, user: UserId) => world.entries(user, Math.max(world.time.latest, world.time.wall))

const placeOf = ({ at }: Sent): number => at?.seq ?? 0

/** It is there once, where its answer says, and its sender has the tick. */
function taken(world: World, { user, marks, life }: Device, sent: Sent): void {
  const { written } = logOf(world, sent.to)
  const isIt = (entry: Entry) => entry.is === 'message' && entry.id === sent.id
  expect(written.filter(isIt), 'once').toHaveLength(1)
  expect(written[placeOf(sent) - 1], 'where its answer says').toMatchObject({ id: sent.id })
  if (isUnheard(world, sent.to, user, placeOf(sent)) || isCopyUnheard(world, placeOf(sent), sent.to)) return
  if (sent.to === team && !hasTicks(world, user, placeOf(sent))) return
  const told = marks.get(sent.to)?.filter((mark) => mark.life === life) ?? []
  const delivered = Math.max(0, ...told.map(({ delivered }) => delivered))
  expect(delivered, 'delivered').toBeGreaterThanOrEqual(placeOf(sent))
  expect(durablyTold(world, user, sent), 'and as an entry').toBeGreaterThanOrEqual(placeOf(sent))
}

/**
 * How far the entries of an inbox say that its user's messages are delivered: who comes later has no early receipts. A log that was put
 * back has another name since.
 */
function durablyTold(world: World, user: UserId, { to, at }: Sent): number {
  const told = logOf(world, user).written.map((entry) =>
    entry.is === 'receipt' && entry.peer === to && (world.putBacks > 0 || entry.epoch === at?.epoch)
      ? entry.delivered
      : 0,
  )
  return Math.max(0, ...told)
}

/** What one device sends the others get, if they were there when it was written. What was put back may lack it. */
function copied(world: World, device: Device, { id, to, change }: Sent): void {
  const { user } = device
  const copies = logOf(world, user).written.filter((entry) => entry.is === 'copy' && entry.id === id)
  expect(copies.length, 'one own copy').toBeLessThanOrEqual(1)
  const others = world.devices.filter((other) => other.user === user && other !== device)
  if (to === user || (change && isGroup(to)) || world.putBacks > 0) return
  if (others.some(({ came }) => came < Number(id.slice(-12)))) expect(copies, `a copy of ${id}`).toHaveLength(1)
}

/**
 * What was refused for good is judged anew when it comes again, since its sender may never have heard of that: it may be taken then, after
 * what was taken meanwhile. So it is for what changes a group, and for what was written by somebody who was not in it all the time.
 */
function isJudgedAnew(world: World, { user }: Device, sent: Sent): boolean {
  if (sent.to !== team) return false
  if (sent.change || sent.since < 0) return true
  const isIn = (at: number) =>
    spans(teamLog(world)).some((span) => span.user === user && span.from <= at && at < span.to)
  for (let at = sent.since; at < placeOf(sent); at++) if (!isIn(at)) return true
  return false
}

/** Who is in the group since they wrote it, and not alone, is told what the others have. */
function hasTicks(world: World, user: UserId, seq: number): boolean {
  const now = spansNow(world)
  return now.some((span) => span.user === user && span.from <= seq) && now.length > 1
}

const spansNow = (world: World): Span[] => spans(teamLog(world)).filter(({ to }) => to === Number.POSITIVE_INFINITY)

/** No timer waits for what has happened: all devices have everything, and some chats were read. */
function started(world: World, user: UserId, entries: readonly Entry[]): void {
  const waits = entries.filter((entry) => waitsFor(user, entry) !== undefined && waitsFor(user, entry) !== 'read')
  expect(waits, `timers of ${user} that should run`).toEqual([])
  for (const device of world.devices.filter((device) => device.user === user))
    for (const [chat, seq] of device.confirmed) {
      const unstarted = entries.filter((entry) => starts(user, entry, { is: 'read', chat, upTo: seq }))
      expect(unstarted, 'a confirmed read has started its timers').toEqual([])
    }
}

/** Every device has every entry, as it was written or as it is now. A store that was put back may have again what a device has deleted. */
function everyEntry(world: World, { user, inbox }: Device, entries: readonly Entry[]): void {
  const { written } = logOf(world, user)
  const due = written.map((entry, index) => {
    const had = inbox[index]
    if (had?.is !== 'gone') return entry
    return world.putBacks > 0 ? had : (entries[index] as Entry)
  })
  expect(inbox.map(plain), 'every device has every entry').toEqual(due.map(plain))
}

/** What was deleted is gone from every device: it did so, or was told, or was told that it may have missed that. */
function everyDeletion(world: World, { user, inbox, deleted, missed }: Device): void {
  const told = inbox.filter((entry) => entry.is === 'deleted')
  const isTold = (entry: Entry) =>
    [...told, ...deleted].some(({ chat, from, upTo }) => isErased(entry, chat, from, upTo))
  const { due } = logOf(world, user)
  const left = inbox.filter((entry) => 'body' in entry && entry.seq > missed && due.has(entry.seq) && !isTold(entry))
  expect(left, 'no device has what was deleted').toEqual([])
}

/** Without the timer, which may have started meanwhile, and the times that clients are not told. */
const plain = (entry: Entry): unknown => ('body' in entry ? { ...entry, expires: undefined } : { ...entry, time: 0 })

/** Both sides of a chat have the same lifetime, and it is that of the latest change. */
async function agreed(world: World): Promise<void> {
  const users = [...new Set(world.devices.map(({ user }) => user))]
  for (const one of users)
    for (const other of users) {
      if (one >= other) continue
      const [here, there] = [await known(world, one, other), await known(world, other, one)]
      const changes = [changesOf(world, one, other), changesOf(world, other, one)].flat()
      const last = changes.sort((a, b) => a.time - b.time || (a.id < b.id ? -1 : 1)).at(-1)
      // docs/operations.md says so of a backup that is made between the writes of the two sides.
      if (last && world.disk.halfChanged.has(last.id)) continue
      expect(here, `${one} and ${other} agree`).toEqual(there)
      expect(here?.lifetime ?? 'default').toBe(last?.body ?? 'default')
    }
}

/** What is back at the default is forgotten after two days, which a clock that was set may take for over. */
const known = async (world: World, user: UserId, chat: UserId) => {
  const found = (await world.disk.settings(user))?.lifetimes.find((lifetime) => lifetime.chat === chat)
  return found?.lifetime === 'default'
    ? undefined
    : found && { lifetime: found.lifetime, time: found.time, id: found.id }
}

const changesOf = (world: World, from: UserId, to: UserId): Message[] =>
  logOf(world, to).written.filter(
    (entry): entry is Message => entry.is === 'message' && entry.change === 'lifetime' && entry.from === from,
  )

/** A member's inbox has what others wrote while they were in the group, each once, in the order of the group's log. */
function everyCopy(world: World, { user, inbox }: Device): void {
  const log = teamLog(world)
  const { written: own } = logOf(world, user)
  const mine = spans(log).filter((span) => span.user === user)
  const due = log.filter(
    ({ seq, from, change }) => mine.some((span) => span.from <= seq && seq <= span.to) && (from !== user || change),
  )
  const was = inbox.map((entry) => (entry.is === 'gone' ? (own[entry.seq - 1] ?? entry) : entry))
  const copies = was.flatMap((entry) => (entry.is === 'message' && entry.place ? [entry.place.at] : []))
  expect(copies, 'every copy once and in order').toEqual(due.map(({ seq }) => seq))
}
