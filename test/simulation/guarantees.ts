/** The guarantees of DESIGN section 4, as a world must keep them. */
import { expect } from 'vitest'
import type { Message } from '../../actors/group/types.ts'
import { type Entry, isErased, starts, waitsFor } from '../../src/protocol/entry.ts'
import type { MessageId, UserId } from '../../src/protocol/ids.ts'
import { type Device, team } from './device.ts'
import { vanish } from './lasting.ts'
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

/** Every other member who was in the group by then has what is delivered, or has deleted it. */
export function allHave(world: World, user: UserId, delivered: number): void {
  const log = (world.stores.get(team)?.written ?? []) as Message[]
  // Who has left meanwhile does not count.
  for (const { user: member, from } of spans(log).filter(({ to }) => to === Number.POSITIVE_INFINITY)) {
    const due = log.filter(
      (entry) => entry.seq >= from && entry.seq <= delivered && (entry.from !== member || entry.change),
    )
    if (member === user || due.length === 0) continue
    const devices = world.devices.filter((device) => device.user === member)
    const { written, unheard } = world.stores.get(member) ?? { written: [], unheard: new Set() }
    const stood = (entries: readonly Entry[], at: number) =>
      entries.find((entry) => entry.is === 'message' && entry.place?.at === at)
    // A program may delete what no device has got yet.
    const has = (at: number) =>
      devices.some(({ ever }) => ever.has(log[at - 1]?.id as MessageId)) || unheard.has(stood(written, at)?.seq ?? 0)
    for (const entry of due) expect(has(entry.seq), `${member} has ${entry.seq}`).toBe(true)
  }
}

/** A device of `peer` has got what is delivered, unless a program has deleted it before. */
export function earned(world: World, user: UserId, peer: UserId, epoch: number, delivered: number): void {
  const inbox = world.stores.get(peer)
  if (inbox?.epoch !== epoch) return
  const devices = world.devices.filter((device) => device.user === peer)
  for (const entry of inbox.written.slice(0, delivered)) {
    if (entry.is !== 'message' || entry.place || entry.from !== user || inbox.unheard.has(entry.seq)) continue
    expect(
      devices.some(({ ever }) => ever.has(entry.id)),
      `${peer} has ${entry.seq}`,
    ).toBe(true)
  }
}

/** No silent hole: what a device has of its log is what stands there. */
export function sameSoFar(world: World, { user, inbox }: Device): void {
  const written = world.stores.get(user)?.written ?? []
  const idOf = (entry: Entry | undefined) => (entry && 'id' in entry ? entry.id : undefined)
  for (const [index, entry] of inbox.entries()) {
    const is = entry.is === 'gone' ? undefined : entry.is
    if (is) expect([written[index]?.is, idOf(written[index])], 'no hole').toEqual([is, idOf(entry)])
  }
}

/** The guarantees of DESIGN section 4, once everything has come to rest. */
export function check(world: World): void {
  // A device may have been told so while the clock was ahead.
  for (const { entries } of world.stores.values()) vanish(entries, Math.max(world.latest, world.wall))
  for (const device of world.devices) {
    for (const sent of device.outbox) {
      const { written: inbox, unheard } = world.stores.get(sent.to) ?? { written: [], unheard: new Set() }
      expect(
        inbox.filter((entry) => entry.is === 'message' && entry.id === sent.id),
        'once',
      ).toHaveLength(1)
      expect(inbox[(sent.at?.seq ?? 0) - 1], 'where its answer says').toMatchObject({ id: sent.id })
      if (unheard.has(sent.at?.seq ?? 0) || (sent.to === team && !hasTicks(world, device, sent.at?.seq ?? 0))) continue
      const marks = world.marks.get(`${device.user} ${sent.to}`)?.filter(({ life }) => life === world.life.life)
      const delivered = Math.max(0, ...(marks ?? []).map(({ delivered }) => delivered))
      expect(delivered, 'delivered').toBeGreaterThanOrEqual(sent.at?.seq ?? 0)
    }
    for (const to of new Set(device.outbox.map((sent) => sent.to))) {
      // What was refused for good is judged anew when it comes again, and may be taken then: after what was taken meanwhile.
      const inOrder = device.outbox.filter((sent) => sent.to === to && !world.turnedAway.has(sent.id))
      const seqs = inOrder.map((sent) => sent.at?.seq ?? 0)
      expect(seqs, 'in order').toEqual([...seqs].sort((a, b) => a - b))
    }
    everyCopy(world, device)
    everyEntry(world, device)
    expect(device.wanted.size, 'every read is confirmed').toBe(0)
    expect(device.deleting, 'every deletion is done').toEqual([])
    everyDeletion(world, device)
  }
  agreed(world)
  // In a group that everybody has left nothing happens any more: what is there stays for the retention time.
  for (const [user, inbox] of world.stores)
    if (user !== team || spansNow(world).length > 0) started(world, user, inbox.entries)
}

/** Who is in the group since they wrote it, and not alone, is told what the others have. */
function hasTicks(world: World, { user }: Device, seq: number): boolean {
  const now = spansNow(world)
  return now.some((span) => span.user === user && span.from <= seq) && now.length > 1
}

const spansNow = (world: World): Span[] =>
  spans((world.stores.get(team)?.written ?? []) as Message[]).filter(({ to }) => to === Number.POSITIVE_INFINITY)

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

/** Every device has every entry, as it was written or as it is now. */
function everyEntry(world: World, { user, inbox }: Device): void {
  const { entries, written } = world.stores.get(user) ?? { entries: [], written: [] }
  expect(inbox.map(plain), 'every device has every entry').toEqual(
    written.map((entry, index) => plain(inbox[index]?.is === 'gone' ? (entries[index] as Entry) : entry)),
  )
}

/** What was deleted is gone from every device: it did so, or was told. */
function everyDeletion(world: World, { user, inbox, deleted }: Device): void {
  const told = inbox.filter((entry) => entry.is === 'deleted')
  const isTold = (entry: Entry) =>
    [...told, ...deleted].some(({ chat, from, upTo }) => isErased(entry, chat, from, upTo))
  const erased = world.stores.get(user)?.erased ?? new Set()
  const left = inbox.filter((entry) => 'body' in entry && erased.has(entry.seq) && !isTold(entry))
  expect(left, 'no device has what was deleted').toEqual([])
}

/** Without the timer, which may have started meanwhile. */
const plain = (entry: Entry): unknown => ({ ...entry, expires: undefined })

/** Both sides of a chat have the same lifetime, and it is that of the latest change. */
function agreed(world: World): void {
  const users = [...new Set(world.devices.map(({ user }) => user))]
  for (const one of users)
    for (const other of users) {
      if (one >= other) continue
      const [here, there] = [known(world, one, other), known(world, other, one)]
      expect(here, `${one} and ${other} agree`).toEqual(there)
      const changes = [changesOf(world, one, other), changesOf(world, other, one)].flat()
      const last = changes.sort((a, b) => a.time - b.time || (a.id < b.id ? -1 : 1)).at(-1)
      expect(here?.lifetime ?? 'default').toBe(last?.body ?? 'default')
    }
}

/** What is back at the default is forgotten after two days, which a clock that was set may take for over. */
const known = (world: World, user: UserId, chat: UserId) => {
  const found = world.settings.get(user)?.lifetimes.find((lifetime) => lifetime.chat === chat)
  return found?.lifetime === 'default'
    ? undefined
    : found && { lifetime: found.lifetime, time: found.time, id: found.id }
}

const changesOf = (world: World, from: UserId, to: UserId): Message[] =>
  (world.stores.get(to)?.written ?? []).filter(
    (entry): entry is Message => entry.is === 'message' && entry.change === 'lifetime' && entry.from === from,
  )

/** A member's inbox has what others wrote while they were in the group, each once, in the order of the group's log. */
function everyCopy(world: World, { user, inbox }: Device): void {
  const log = (world.stores.get(team)?.written ?? []) as Message[]
  const own = world.stores.get(user)?.written ?? []
  const mine = spans(log).filter((span) => span.user === user)
  const due = log.filter(
    ({ seq, from, change }) => mine.some((span) => span.from <= seq && seq <= span.to) && (from !== user || change),
  )
  const was = inbox.map((entry) => (entry.is === 'gone' ? (own[entry.seq - 1] ?? entry) : entry))
  const copies = was.flatMap((entry) => (entry.is === 'message' && entry.place ? [entry.place.at] : []))
  expect(copies, 'every copy once and in order').toEqual(due.map(({ seq }) => seq))
}
