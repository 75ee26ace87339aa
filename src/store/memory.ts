/** A store that forgets: for tests, and to see how the contract is meant. */
import {
  type Carrier,
  chatOf,
  type Entry,
  goneOf,
  isErased,
  isKept,
  isOver,
  type Started,
  start,
  starts,
  waitingOf,
  waitsFor,
} from '../protocol/entry.ts'
import type { GroupId, MessageId, Millis, Seq, UserId } from '../protocol/ids.ts'
import type { Settings } from '../protocol/settings.ts'
import {
  type Appended,
  completeRetention,
  type DeviceCursor,
  type GroupRecord,
  type Lease,
  type Life,
  type MessageTrace,
  type Reckoning,
  type Retention,
  type Store,
  StoreError,
} from './contract.ts'
import { isSame, renewed, taken } from './leases.ts'
import { began } from './lives.ts'

type Inbox = {
  epoch: number
  head: Seq
  tail: Seq
  lastTime: Millis
  entries: Entry[]
  /** What histories keep, by seq. */
  kept: Map<Seq, Carrier>
  cursors: readonly DeviceCursor[]
  settled: Seq
  lives: readonly Life[]
  was: number
}
type Dedupe = Appended & { readonly user: UserId; readonly sender: UserId; readonly id: MessageId }

/** A store in memory. It may be closed and opened again; it keeps what it has. Throws for options that cannot be. */
export function memoryStore(options: Partial<Retention> = {}): Store {
  const { retentionMs, dedupeMs } = completeRetention('memoryStore', options)
  const inboxes = new Map<UserId, Inbox>()
  const dedupe = new Map<string, Dedupe>()
  const seen = new Map<UserId, Millis>()
  const groups = new Map<GroupId, GroupRecord>()
  const noted = new Map<string, { group: GroupId; term: number }>()
  const preferences = new Map<UserId, Settings>()
  const banned = new Set<UserId>()
  const leases = new Map<string, Lease>()
  const names = new Map<number, number>()
  let [opened, terms] = [false, 0]
  let time: Reckoning | undefined
  const check = () => {
    if (!opened) throw new StoreError('closed', 'The store is not open.')
  }
  const inbox = (user: UserId, epoch: number): Inbox => {
    const empty = { head: 1, tail: 0, lastTime: 0, entries: [], kept: new Map(), cursors: [], settled: 0 }
    const known = inboxes.get(user) ?? { epoch, ...empty, lives: [], was: 0 }
    inboxes.set(user, known)
    return known
  }
  const lowest = (user: UserId, is: Started['is']): Seq =>
    inboxes.get(user)?.entries.find((entry) => waitsFor(user, entry) === is)?.seq ?? 0
  const nextTerm = () => ++terms
  return {
    async open() {
      opened = true
    },
    async close() {
      opened = false
    },
    async takeTerm() {
      check()
      return nextTerm()
    },
    async load(user) {
      check()
      const known = inboxes.get(user)
      if (!known) return undefined
      const { entries: _, kept: __, ...record } = known
      return { ...record, waiting: waitingOf((is) => lowest(user, is)) }
    },
    async append(user, epoch, term, entries) {
      check()
      const known = inbox(user, epoch)
      if (known.tail === 0) known.epoch = epoch
      const news = entries.find(({ seq }) => seq > known.tail)
      if (news) known.lives = began(known.lives, { term, from: news.seq })
      for (const entry of entries) {
        known.entries[entry.seq - known.head] = entry
        known.tail = Math.max(known.tail, entry.seq)
        known.lastTime = Math.max(known.lastTime, entry.time)
        if (!('body' in entry)) continue
        if (isKept(user, entry)) known.kept.set(entry.seq, entry)
        const sender = entry.is === 'message' ? entry.from : user
        dedupe.set(`${user} ${sender} ${entry.id}`, { user, sender, id: entry.id, seq: entry.seq, time: entry.time })
      }
    },
    async read(user, from, limit, bytes, now) {
      check()
      const known = inboxes.get(user)
      const page: Entry[] = []
      let size = 0
      for (const held of known?.entries.slice(Math.max(0, from - known.head)) ?? []) {
        const entry = isOver(held, now) ? goneOf(held) : held
        size += 'body' in entry ? entry.body.length : 0
        if (page.length >= limit || (size > bytes && page.length > 0)) break
        page.push(entry)
      }
      return page
    },
    async startTimers(user, started, now) {
      check()
      const known = inboxes.get(user)
      if (known)
        known.entries = known.entries.map((entry) =>
          starts(user, entry, started) ? start(entry, started.is, now) : entry,
        )
      return lowest(user, started.is)
    },
    async erase(user, chat, from, upTo) {
      check()
      const known = inboxes.get(user)
      if (!known) return
      known.entries = known.entries.map((entry) => (isErased(entry, chat, from, upTo) ? goneOf(entry) : entry))
      for (const entry of known.kept.values()) if (isErased(entry, chat, from, upTo)) known.kept.delete(entry.seq)
    },
    async history(user, chat, before, limit, bytes) {
      check()
      const page: Carrier[] = []
      let size = 0
      for (const entry of [...(inboxes.get(user)?.kept.values() ?? [])].sort((a, b) => b.seq - a.seq)) {
        if (chatOf(entry) !== chat || (before && entry.seq >= before.seq)) continue
        size += entry.body.length
        if (page.length >= limit || (size > bytes && page.length > 0)) break
        page.push(entry)
      }
      return page
    },
    async takeLease(name, holder, now, until) {
      check()
      const lease = taken(leases.get(name), holder, now, until, nextTerm)
      leases.set(name, lease)
      return lease
    },
    async renewLease(name, lease, now, until) {
      check()
      const next = renewed(leases.get(name), lease, now, until)
      if (next) leases.set(name, next)
      return next !== undefined
    },
    async releaseLease(name, lease) {
      check()
      if (isSame(leases.get(name), lease)) leases.delete(name)
    },
    async findRepeats(user, keys) {
      check()
      return keys.map(({ sender, id }) => {
        const found = dedupe.get(`${user} ${sender} ${id}`)
        return found && { seq: found.seq, time: found.time }
      })
    },
    async saveCursors(user, epoch, cursors, settled) {
      check()
      Object.assign(inbox(user, epoch), { cursors, settled })
    },
    async loadGroup(group) {
      check()
      return groups.get(group)
    },
    async saveGroup(group, record) {
      check()
      groups.set(group, structuredClone(record))
    },
    async noteGroup(group, term) {
      check()
      noted.set(`${term} ${group}`, { group, term })
    },
    async notedGroups() {
      check()
      return [...noted.values()]
    },
    async forgetGroup(group, term) {
      check()
      noted.delete(`${term} ${group}`)
    },
    async lastSeen(user) {
      check()
      return seen.get(user)
    },
    async saveLastSeen(users) {
      check()
      for (const [user, at] of users) seen.set(user, at)
    },
    async settings(user) {
      check()
      return preferences.get(user)
    },
    async saveSettings(user, settings) {
      check()
      preferences.set(user, structuredClone(settings))
    },
    async bans() {
      check()
      return [...banned]
    },
    async saveBan(user, ban) {
      check()
      if (ban) banned.add(user)
      else banned.delete(user)
    },
    async reckoning() {
      check()
      return time
    },
    async saveReckoning(reckoning) {
      check()
      time = reckoning
    },
    async expire(now) {
      check()
      const removed = { entries: 0, dedupeKeys: 0 }
      for (const known of inboxes.values()) {
        while (known.entries[0] && known.entries[0].time < now - retentionMs) {
          known.entries.shift()
          known.head += 1
          removed.entries += 1
        }
        for (const [index, entry] of known.entries.entries()) {
          if (!isOver(entry, now)) continue
          known.entries[index] = goneOf(entry)
          removed.entries += 1
        }
      }
      for (const [key, { time }] of dedupe) if (time < now - dedupeMs && dedupe.delete(key)) removed.dedupeKeys += 1
      return removed
    },
    async trace(id) {
      check()
      const found = [...dedupe.values()].filter((known) => known.id === id)
      return found.map(({ user, sender, seq, time }): MessageTrace => ({ recipient: user, sender, seq, time }))
    },
    lives: {
      async begin(term, name) {
        check()
        names.set(name, term)
      },
      async termOf(name) {
        check()
        return names.get(name)
      },
      async rename(user, epoch) {
        check()
        const known = inbox(user, epoch)
        known.was = known.epoch
        known.epoch = epoch
      },
    },
    async health() {
      return opened ? { ok: true } : { ok: false, reason: 'the store is not open' }
    },
  }
}
