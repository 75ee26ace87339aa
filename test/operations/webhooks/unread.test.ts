/** What is told of unread messages: what the log says at that moment, and each entry of it is looked at once. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { NodeRouter } from '../../../actors/addresses.ts'
import { UnreadCounts } from '../../../src/operations/webhooks/unread.ts'
import { type Entry, goneOf, isErased } from '../../../src/protocol/entry.ts'
import type { ChatId, Seq, UserId } from '../../../src/protocol/ids.ts'
import { countLaps } from '../laps.ts'

const bob = 'bob' as UserId
const [ann, cat] = ['ann', 'cat'] as [ChatId, ChatId]
const chats = [ann, cat]

/** Bob's inbox, as its actor and its store would answer. */
class Inbox {
  readonly log: Entry[] = []
  readonly reads = new Map<ChatId, Seq>()
  readonly laps: number[] = []
  looked = 0
  asked = 0
  connected = false
  /** What the store and the actor answer before they fail once. */
  fails: { readonly what: 'page' | 'reads'; after: number } | undefined
  #seenAt = 1
  #now = 1
  readonly #lap = countLaps()
  readonly counts = new UnreadCounts({
    router: {
      query: async (_: unknown, what: string) => {
        const { connected } = this
        if (what === 'inbox')
          return {
            epoch: 7,
            tail: this.log.length,
            devices: [{ device: 'phone', connected, cursor: 0, seenAt: this.#seenAt }],
          }
        this.asked += 1
        this.#fail('reads')
        return [...this.reads]
      },
    } as unknown as NodeRouter,
    store: {
      read: async (_user, from, limit) => {
        this.laps.push(this.#lap())
        this.#fail('page')
        const page = this.log.slice(from - 1, from - 1 + limit)
        this.looked += page.length
        return page
      },
    },
    clock: { now: () => 1_000, monotonic: () => this.#now, soon: (run) => void setImmediate(run) },
  })

  #fail(what: 'page' | 'reads'): void {
    if (this.fails?.what !== what) return
    this.fails.after -= 1
    if (this.fails.after >= 0) return
    this.fails = undefined
    throw new Error('nobody answers')
  }

  write(from: ChatId, more: object = {}): Seq {
    const seq = this.log.length + 1
    this.log.push({ is: 'message', seq, id: `id-${seq}`, from, body: 'x', time: 1, ...more } as never)
    return seq
  }

  comes(): void {
    this.#seenAt += 1
    this.connected = true
  }

  goes(): void {
    this.#seenAt += 1
    this.connected = false
  }

  /** `told`: the other devices are told by an entry, and else how far it is read is saved. */
  read(chat: ChatId, upTo: Seq, told: boolean): void {
    if (told) this.log.push({ is: 'seen', seq: this.log.length + 1, time: 1, chat, upTo } as never)
    else this.reads.set(chat, Math.max(upTo, this.reads.get(chat) ?? 0))
  }

  erase(chat: ChatId, from: Seq, upTo: Seq, told: boolean): void {
    for (const [at, entry] of this.log.entries()) if (isErased(entry, chat, from, upTo)) this.log[at] = goneOf(entry)
    if (told) this.log.push({ is: 'deleted', seq: this.log.length + 1, time: 1, chat, from, upTo } as never)
  }

  /** By the log alone. */
  expected(chat: ChatId, upTo: Seq): number {
    const seen = this.log.flatMap((entry) => (entry.is === 'seen' && entry.chat === chat ? [entry.upTo] : []))
    const read = Math.max(0, this.reads.get(chat) ?? 0, ...seen)
    const isUnread = (entry: Entry) =>
      entry.is === 'message' &&
      entry.from === chat &&
      entry.seq > read &&
      entry.seq > upTo - 1_000 &&
      (entry.expires ?? 9_999) > 1_000
    return this.log.filter((entry) => entry.seq <= upTo && isUnread(entry)).length
  }

  passes(ms: number): void {
    this.#now += ms
  }
}

it('looks at each new entry once for somebody who is away, and asks once how far chats are read', async () => {
  const inbox = new Inbox()
  for (let n = 0; n < 2_000; n++) inbox.write(chats[n % 2] as ChatId)
  expect(await inbox.counts.count(bob, ann, 1_999)).toBe(500)
  expect([inbox.looked, inbox.asked]).toEqual([1_001, 1])
  for (let n = 1; n <= 300; n++) {
    const seq = inbox.write(ann)
    expect(await inbox.counts.count(bob, ann, seq)).toBe(inbox.expected(ann, seq))
  }
  expect([inbox.looked, inbox.asked]).toEqual([1_301, 1])
  inbox.passes(3_600_000)
  expect(await inbox.counts.count(bob, ann, 2_300)).toBe(inbox.expected(ann, 2_300))
  expect([inbox.looked, inbox.asked]).toEqual([2_301, 2])
})

it('looks back page by page, no further than to what is read, and others have their turn between two', async () => {
  const inbox = new Inbox()
  for (let n = 0; n < 1_000; n++) inbox.write(ann)
  await inbox.counts.count(bob, ann, 1_000)
  expect([inbox.looked, new Set(inbox.laps).size]).toEqual([1_000, 10])
  const other = new Inbox()
  for (let n = 0; n < 1_000; n++) other.write(ann)
  other.read(ann, 950, false)
  expect([await other.counts.count(bob, ann, 1_000), other.looked]).toEqual([50, 50])
})

it('counts nothing twice, and knows what is read, after a page, or what is read, could not be had', async () => {
  const inbox = new Inbox()
  inbox.read(ann, inbox.write(ann), false)
  inbox.fails = { what: 'reads', after: 0 }
  await expect(inbox.counts.count(bob, ann, 1)).rejects.toThrow('nobody answers')
  expect(await inbox.counts.count(bob, ann, 1)).toBe(0)
  for (let n = 0; n < 250; n++) inbox.write(ann)
  inbox.fails = { what: 'page', after: 2 }
  await expect(inbox.counts.count(bob, ann, 251)).rejects.toThrow('nobody answers')
  expect(await inbox.counts.count(bob, ann, 251)).toBe(250)
})

it('is what the log says, whoever reads, deletes, comes and goes meanwhile', async () => {
  const step = fc.tuple(fc.nat(9), fc.nat(1_000))
  const world = async (steps: readonly (readonly [number, number])[]) => {
    const inbox = new Inbox()
    let next = 1
    for (const [kind, number] of steps) {
      const chat = chats[number % 2] as ChatId
      const { length } = inbox.log
      if (kind < 4) inbox.write(chat, number % 7 === 0 ? { expires: 500 } : {})
      else if (kind < 5) inbox.connected ? inbox.goes() : inbox.comes()
      else if (kind < 6 && length > 0 && inbox.connected) inbox.read(chat, 1 + (number % length), number % 3 > 0)
      else if (kind < 7 && length > 0) inbox.erase(chat, 1 + (number % length), length, true)
      // An only device deletes, and leaves.
      else if (kind < 8 && length > 0 && inbox.connected) {
        inbox.erase(chat, 1 + (number % length), length, false)
        inbox.goes()
      } else if (length > 0) {
        next = Math.min(length, next + (number % 5))
        expect(await inbox.counts.count(bob, chat, next)).toBe(inbox.expected(chat, next))
      }
    }
  }
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 80 }), world), { numRuns: 150, seed: 1 })
})
