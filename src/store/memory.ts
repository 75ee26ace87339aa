/** A store that forgets: for tests, and to see how the contract is meant. */
import type { GroupId, MessageId, Millis, Seq, UserId } from '../protocol/ids.ts'
import type { Settings } from '../protocol/settings.ts'
import {
  type Appended,
  type DeviceCursor,
  defaultRetention,
  type Entry,
  type GroupRecord,
  type MessageTrace,
  type Retention,
  type Store,
  StoreError,
} from './contract.ts'

type Inbox = {
  epoch: number
  head: Seq
  tail: Seq
  lastTime: Millis
  entries: Entry[]
  cursors: readonly DeviceCursor[]
  settled: Seq
}
type Dedupe = Appended & { readonly user: UserId; readonly sender: UserId; readonly id: MessageId }

/** A store in memory. It may be closed and opened again; it keeps what it has. */
export function memoryStore(options: Partial<Retention> = {}): Store {
  const { retentionMs, dedupeMs } = { ...defaultRetention, ...options }
  const inboxes = new Map<UserId, Inbox>()
  const dedupe = new Map<string, Dedupe>()
  const seen = new Map<UserId, Millis>()
  const groups = new Map<GroupId, GroupRecord>()
  const noted = new Map<string, { group: GroupId; term: number }>()
  const preferences = new Map<UserId, Settings>()
  let [opened, terms] = [false, 0]
  const check = () => {
    if (!opened) throw new StoreError('closed', 'The store is not open.')
  }
  const inbox = (user: UserId, epoch: number): Inbox => {
    const known = inboxes.get(user) ?? { epoch, head: 1, tail: 0, lastTime: 0, entries: [], cursors: [], settled: 0 }
    inboxes.set(user, known)
    return known
  }
  return {
    async open() {
      opened = true
    },
    async close() {
      opened = false
    },
    async takeTerm() {
      check()
      terms += 1
      return terms
    },
    async load(user) {
      check()
      const known = inboxes.get(user)
      if (!known) return undefined
      const { entries: _, ...record } = known
      return record
    },
    async append(user, epoch, _term, entries) {
      check()
      const known = inbox(user, epoch)
      if (known.tail === 0) known.epoch = epoch
      for (const entry of entries) {
        known.entries[entry.seq - known.head] = entry
        known.tail = Math.max(known.tail, entry.seq)
        known.lastTime = Math.max(known.lastTime, entry.time)
        if (!('body' in entry)) continue
        const sender = entry.is === 'message' ? entry.from : user
        dedupe.set(`${user} ${sender} ${entry.id}`, { user, sender, id: entry.id, seq: entry.seq, time: entry.time })
      }
    },
    async read(user, from, limit, bytes) {
      check()
      const known = inboxes.get(user)
      const page: Entry[] = []
      let size = 0
      for (const entry of known?.entries.slice(Math.max(0, from - known.head)) ?? []) {
        size += 'body' in entry ? entry.body.length : 0
        if (page.length >= limit || (size > bytes && page.length > 0)) break
        page.push(entry)
      }
      return page
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
    async saveLastSeen(user, at) {
      check()
      seen.set(user, Math.max(at, seen.get(user) ?? 0))
    },
    async settings(user) {
      check()
      return preferences.get(user)
    },
    async saveSettings(user, settings) {
      check()
      preferences.set(user, structuredClone(settings))
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
      }
      for (const [key, { time }] of dedupe) if (time < now - dedupeMs && dedupe.delete(key)) removed.dedupeKeys += 1
      return removed
    },
    async trace(id) {
      check()
      const found = [...dedupe.values()].filter((known) => known.id === id)
      return found.map(({ user, sender, seq, time }): MessageTrace => ({ recipient: user, sender, seq, time }))
    },
    async health() {
      return opened ? { ok: true } : { ok: false, reason: 'the store is not open' }
    },
  }
}
