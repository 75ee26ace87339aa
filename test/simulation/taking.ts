/** What a device makes of the frames that arrive. */
import { expect } from 'vitest'
import { mayRetry } from '../../src/protocol/codes.ts'
import { type Carrier, chatOf, type Entry } from '../../src/protocol/entry.ts'
import type { ServerFrame } from '../../src/protocol/frames.ts'
import type { UserId } from '../../src/protocol/ids.ts'
import type { Deletion, Device, Mark } from './device.ts'
import { allHave, earned, sameSoFar } from './guarantees.ts'
import type { World } from './world.ts'

type Frame<Kind extends ServerFrame[0]> = Extract<ServerFrame, readonly [Kind, ...unknown[]]>

export async function take(world: World, device: Device, frame: ServerFrame): Promise<void> {
  switch (frame[0]) {
    case 'welcome':
      return welcome(world, device, frame)
    case 'message':
    case 'copy':
    case 'seen':
    case 'deleted':
      return entry(device, entryOf(frame))
    case 'gone':
      for (let seq = frame[1]; seq <= frame[2]; seq++) entry(device, { is: 'gone', seq, time: 0 })
      return
    case 'receipt': {
      const [, seq, peer, epoch, delivered, read] = frame
      if (seq === 0 || seq === device.received + 1)
        mark(world, device, peer, { epoch, life: device.life, delivered, read })
      return seq === 0 ? undefined : entry(device, { is: 'receipt', seq, time: 0, peer, epoch, delivered, read })
    }
    case 'sent': {
      const [, id, epoch, seq] = frame
      const sent = device.outbox.find((sent) => sent.id === id)
      if (sent) Object.assign(sent, { flying: false, at: { epoch, seq }, life: device.life })
      return
    }
    case 'chat':
      return void device.listed.push(frame)
    case 'done':
      return done(world, device, frame)
    case 'error':
      return refused(world, device, frame)
    case 'stands':
      return stands(device, frame)
    case 'presence':
      if (device.watched.has(frame[1])) device.watched.set(frame[1], { online: frame[2], lastSeen: frame[3] })
  }
}

async function welcome(world: World, device: Device, frame: Frame<'welcome'>): Promise<void> {
  const [, , , epoch, seq, , resumed, , , why = null, life = 0] = frame
  expect(resumed).toBe(why === null)
  if (why || device.came === Number.POSITIVE_INFINITY) device.came = world.time.named
  if (why === 'expired') {
    device.missed = device.received
  } else if (why) {
    expect(world.putBacks, 'nothing expires here, so a cursor is honoured unless its log was put back').toBeGreaterThan(
      0,
    )
    device.reset(epoch, seq)
  }
  expect(seq, 'no hole').toBeLessThanOrEqual(device.received)
  // A log may change its name before it holds anything.
  if (device.received > 0 && !why) expect(epoch, 'the log has its name still').toBe(device.cursor.epoch)
  sameSoFar(world, device)
  device.welcomed = true
  device.life = life
  device.cursor = { epoch, seq: device.cursor.seq, life }
  askWhatHolds(device)
  // After a restart of its actor the server may know less than it was told.
  if (device.acked > seq) device.say(['ack', device.acked])
  device.repeat()
}

function entry(device: Device, entry: Entry): void {
  // What it has and did not acknowledge may come again as gone: a program deleted it meanwhile. The SDK drops it then, too.
  if (entry.seq <= device.received && entry.is === 'gone') device.inbox[entry.seq - 1] = entry
  if (entry.seq <= device.received) return
  expect(entry.seq, 'no hole').toBe(device.received + 1)
  device.received = entry.seq
  device.inbox.push(entry)
  if (entry.is !== 'message') return
  device.ever.add(entry.id)
  device.unread.set(entry.place?.group ?? entry.from, entry.seq)
}

/** No tick is shown that nobody earned. */
function mark(world: World, device: Device, peer: UserId, mark: Mark): void {
  if (peer.startsWith('#')) allHave(world, device.user, mark.delivered)
  else earned(world, device.user, peer, mark.epoch, mark.delivered)
  merge(device, peer, mark)
}

function merge({ marks }: Device, peer: UserId, mark: Mark): void {
  const isSame = ({ epoch, life }: Mark) => epoch === mark.epoch && life === mark.life
  const all = marks.get(peer) ?? []
  const known = all.find(isSame) ?? mark
  const [delivered, read] = [Math.max(known.delivered, mark.delivered), Math.max(known.read, mark.read)]
  marks.set(peer, [...all.filter((one) => !isSame(one)), { ...mark, delivered, read }])
}

async function done(world: World, device: Device, [, kind, ref, seq, from = 0]: Frame<'done'>): Promise<void> {
  const chat = ref as UserId
  if (kind === 'ask') device.hasListed = true
  if (kind === 'watch' && chat.startsWith('#')) device.watched.set(chat, { online: false, lastSeen: null })
  if (kind === 'read') {
    if ((device.wanted.get(chat) ?? 0) <= seq) device.wanted.delete(chat)
    device.confirmed.set(chat, Math.max(seq, device.confirmed.get(chat) ?? 0))
  }
  if (kind !== 'delete') return
  const left = (await world.entries(device.user)).slice(from - 1, seq).filter((entry) => 'body' in entry)
  expect(
    left.filter((entry) => chatOf(entry as Carrier) === chat),
    'what is deleted is gone',
  ).toEqual([])
  const isDone = (one: Deletion) => one.chat === chat && one.from === from && one.upTo === seq
  device.deleted.push(...device.deleting.filter(isDone))
  device.deleting = device.deleting.filter((one) => !isDone(one))
}

/** A refusal for now is followed by the same frame; what is refused for good must be so. */
async function refused(world: World, device: Device, frame: Frame<'error'>): Promise<void> {
  const [, code, kind, ref, after] = frame
  expect(after > 0, 'it says whether to retry').toBe(mayRetry(code))
  const chat = ref as UserId
  if (kind === 'send') return unsent(device, String(ref), code)
  if (kind === 'read' && code === 'not_that_chat') {
    const entry = (await world.entries(device.user))[(device.wanted.get(chat) ?? 0) - 1]
    if (entry?.is === 'gone') device.wanted.delete(chat)
    return
  }
  if (kind === 'watch' && ['unknown_group', 'not_a_member'].includes(code)) return void device.watched.delete(chat)
  expect(code, `${kind} is refused`).toBe('busy')
  const read = device.wanted.get(chat)
  if (kind === 'read' && read) device.refused.push(['read', chat, read])
  if (kind === 'delete')
    for (const one of device.deleting) if (one.chat === chat) device.refused.push(['delete', chat, one.from, one.upTo])
  if (kind === 'watch') device.refused.push(['watch', chat])
  if (kind === 'stand') device.refused.push(...[...device.doubts.values()].filter(([, of]) => of === chat))
}

const forGood = ['unknown_media', 'unknown_group', 'not_a_member', 'not_an_admin', 'no_change', 'list_full']

function unsent(device: Device, id: string, code: string): void {
  const sent = device.outbox.find((sent) => sent.id === id)
  if (!sent) return
  sent.flying = false
  if (forGood.includes(code)) device.outbox.splice(device.outbox.indexOf(sent), 1)
  else expect(['busy', 'rate_limited']).toContain(code)
}

/** What it was told in another life, by recipient, log and life. */
function askWhatHolds(device: Device): void {
  const told = device.outbox.flatMap(({ to, at, life }) => (at ? [{ to, epoch: at.epoch, life, seq: at.seq }] : []))
  for (const [to, marks] of device.marks) for (const mark of marks) told.push({ ...mark, to, seq: mark.delivered })
  device.doubts.clear()
  for (const { to, epoch, life, seq } of told) {
    if (life === device.life) continue
    const key = `${to} ${epoch} ${life}`
    device.doubts.set(key, ['stand', to, epoch, Math.max(seq, device.doubts.get(key)?.[3] ?? 0), life])
  }
  device.say(...device.doubts.values())
}

function stands(device: Device, [, chat, epoch, life, upTo, now]: Frame<'stands'>): void {
  if (!device.doubts.delete(`${chat} ${epoch} ${life}`)) return
  for (const sent of device.outbox) {
    if (sent.to !== chat || sent.at?.epoch !== epoch || sent.life !== life) continue
    if (sent.at.seq <= upTo) Object.assign(sent, { at: { epoch: now, seq: sent.at.seq }, life: device.life })
    else Object.assign(sent, { at: null, flying: false })
  }
  for (const mark of device.marks.get(chat)?.filter((one) => one.epoch === epoch && one.life === life) ?? []) {
    const [delivered, read] = [Math.min(mark.delivered, upTo), Math.min(mark.read, upTo)]
    merge(device, chat, { epoch: now, life: device.life, delivered, read })
  }
}

/** As it stands in the log, without its timer, and the time of what is not a message. */
function entryOf(frame: Frame<'message' | 'copy' | 'seen' | 'deleted'>): Entry {
  switch (frame[0]) {
    case 'message': {
      const [, seq, id, from, time, body, media, place, lifetime, change] = frame
      const more = {
        ...(media && { media }),
        ...(place && { place }),
        ...(lifetime && { lifetime }),
        ...(change && { change }),
      }
      return { is: 'message', seq, id, from, time, body, ...more }
    }
    case 'copy': {
      const [, seq, id, to, time, body, epoch, position, media, lifetime, change] = frame
      const more = { ...(media && { media }), ...(lifetime && { lifetime }), ...(change && { change }) }
      return { is: 'copy', seq, id, to, time, body, at: { epoch, seq: position }, ...more }
    }
    case 'seen':
      return { is: 'seen', seq: frame[1], time: 0, chat: frame[2], upTo: frame[3] }
    case 'deleted':
      return { is: 'deleted', seq: frame[1], time: 0, chat: frame[2], from: frame[3], upTo: frame[4] }
  }
}
