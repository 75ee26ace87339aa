import { type Entry, goneOf, isKept, isOver, start, starts, waitingOf } from '../../protocol/entry.ts'
import type { UserId } from '../../protocol/ids.ts'
import type { Expired, ExpiryStore, LogStore, TraceStore } from '../contract.ts'
import { began } from '../lives.ts'
import type { Retention } from '../retention.ts'
import type { Inbox, Inboxes } from './inboxes.ts'
import { page } from './page.ts'

export const logs = (inboxes: Inboxes): LogStore => ({
  async load(user) {
    const known = inboxes.get(user)
    if (!known) return undefined
    const { entries: _, kept: __, reads: ___, ...record } = known
    return { ...record, waiting: waitingOf((is) => inboxes.lowest(user, is)) }
  },
  async append(user, epoch, term, entries) {
    const inbox = inboxes.of(user, epoch)
    if (inbox.tail === 0) inbox.epoch = epoch
    const first = entries.find(({ seq }) => seq > inbox.tail)
    if (first) inbox.lives = began(inbox.lives, { term, from: first.seq })
    for (const entry of entries) append(inboxes, user, inbox, entry)
  },
  async read(user, from, limit, bytes, now) {
    const { head = 1, entries = [] } = inboxes.get(user) ?? {}
    const first = Math.max(0, from - head)
    const held = entries.slice(first, first + limit)
    return page(
      held.map((entry) => (isOver(entry, now) ? goneOf(entry) : entry)),
      limit,
      bytes,
    )
  },
  findRepeats: async (user, keys) => keys.map((key) => inboxes.repeated(user, key)),
  async saveCursors(user, epoch, cursors, settled, reads) {
    const inbox = Object.assign(inboxes.of(user, epoch), { cursors, settled })
    for (const [chat, seq] of reads ?? []) inbox.reads.set(chat, seq)
  },
  reads: async (user) => new Map(inboxes.get(user)?.reads),
  async startTimers(user, started, now) {
    const inbox = inboxes.get(user)
    if (inbox)
      inbox.entries = inbox.entries.map((entry) =>
        starts(user, entry, started) ? start(entry, started.is, now) : entry,
      )
    return inboxes.lowest(user, started.is)
  },
})

function append(inboxes: Inboxes, user: UserId, inbox: Inbox, entry: Entry): void {
  const { seq, time } = entry
  inbox.entries[seq - inbox.head] = entry
  inbox.tail = Math.max(inbox.tail, seq)
  inbox.lastTime = Math.max(inbox.lastTime, time)
  if (!('body' in entry)) return
  if (isKept(user, entry)) inbox.kept.set(seq, entry)
  inboxes.remember({ user, sender: entry.is === 'message' ? entry.from : user, id: entry.id, seq, time })
}

export const traces = ({ dedupe }: Inboxes): TraceStore => ({
  async trace(id) {
    const found = [...dedupe.values()].filter((known) => known.id === id)
    return found.map(({ user, sender, seq, time }) => ({ recipient: user, sender, seq, time }))
  },
})

export const expiry = ({ all, dedupe }: Inboxes, { retentionMs, dedupeMs }: Retention): ExpiryStore => ({
  async expire(now): Promise<Expired> {
    let [entries, dedupeKeys] = [0, 0]
    for (const inbox of all.values()) entries += trimmed(inbox, now - retentionMs) + vanished(inbox, now)
    for (const [key, { time }] of dedupe) if (time < now - dedupeMs && dedupe.delete(key)) dedupeKeys += 1
    return { entries, dedupeKeys }
  },
})

/** Removes what is older; answers how many. */
function trimmed(inbox: Inbox, oldest: number): number {
  const { head } = inbox
  for (; inbox.entries[0] && inbox.entries[0].time < oldest; inbox.head++) inbox.entries.shift()
  return inbox.head - head
}

function vanished({ entries }: Inbox, now: number): number {
  const over = [...entries.entries()].filter(([, entry]) => isOver(entry, now))
  for (const [index, entry] of over) entries[index] = goneOf(entry)
  return over.length
}
