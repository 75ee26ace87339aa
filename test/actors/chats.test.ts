/** What a user's actor tells of chats is what the log and the histories say in that turn, whatever happens while they are read. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openSettings } from '../../actors/settings.ts'
import { newestIs } from '../../actors/user/chats.ts'
import type { UserEffect } from '../../actors/user/effects.ts'
import type { ListedChat } from '../../actors/user/listing.ts'
import type { UserMessage } from '../../actors/user/messages.ts'
import type { UserState } from '../../actors/user/state.ts'
import { rest, startUser } from '../../actors/user/state.ts'
import { receive } from '../../actors/user/user.ts'
import { type Carrier, chatOf, type Entry, goneOf, isErased, isKept } from '../../src/protocol/entry.ts'
import type { ChatId, DeviceId, MessageId, UserId } from '../../src/protocol/ids.ts'
import { limits } from './limits.ts'
import { asked } from './turns.ts'

const bob = 'bob' as UserId
const team = '#team' as UserId
const peers = ['ann', 'cat'] as UserId[]
const chats = [...peers, team]
const settings = {
  ...openSettings,
  lifetimes: [{ chat: peers[0] as UserId, lifetime: 'permanent' as const, time: 1, id: 'id' as MessageId }],
  tags: [{ chat: team, tags: 'muted=5\tpinned=3' }],
}
type Asked = Exclude<UserEffect['do'], never>
/** What a store or another actor is asked. */
const answerable: Asked[] = [
  'append',
  'find',
  'fetch',
  'save',
  'start',
  'scan',
  'check',
  'reads',
  'list',
  'recollect',
  'findSpan',
  'erase',
  'tell',
]

/** Bob's actor with a log in memory. What it asks waits for its answer; what was read waits to be told. */
class Bob {
  /** Those before `head` have left. */
  log: Entry[] = []
  head = 1
  /** What the history keeps. */
  kept: Carrier[] = []
  saved = new Map<ChatId, number>()
  /** What devices have read, as far as the actor must know it. */
  reads = new Map<ChatId, number>()
  state!: UserState
  asks: UserEffect[] = []
  answers: UserMessage[] = []
  timers: Extract<UserEffect, { do: 'after' }>[] = []
  /** Sessions that have asked and have no answer, and how many were given. */
  waiting = new Set<number>()
  given = 0
  #devices: number
  #now = 1
  #n = 0

  constructor(devices: number) {
    this.#devices = devices
    this.begin()
  }

  /** From what is durable: a former life's reads that were not are forgotten. */
  begin(): void {
    const cursors = Array.from({ length: this.#devices }, (_, n) => ({
      device: `${n + 1}` as DeviceId,
      seq: 0,
      seenAt: this.#now,
    }))
    const record = {
      epoch: 7,
      head: this.head,
      tail: this.log.length,
      lastTime: this.log.at(-1)?.time ?? 0,
      cursors,
      settled: 0,
      waiting: null,
      lives: [],
      was: 0,
    }
    this.state = startUser(bob, record, 7, settings)
    this.reads = new Map(this.saved)
    for (const entry of this.#held(1)) if (entry.is === 'seen') this.#mark(entry.chat, entry.upTo)
    Object.assign(this, { asks: [], answers: [], timers: [], waiting: new Set() })
    for (let n = 1; n <= this.#devices; n++)
      this.tell({ is: 'attach', session: n, device: `${n}` as DeviceId, cursor: { epoch: 7, seq: this.log.length } })
  }

  #mark(chat: ChatId, seq: number): void {
    this.reads.set(chat, Math.max(seq, this.reads.get(chat) ?? 0))
  }

  tell(message: UserMessage): void {
    this.#now += 1
    const effects = asked(receive, this.state, message, { now: this.#now, limits })
    const isKnown = message.is === 'read' && !effects.some(({ do: does }) => does === 'check' || does === 'refuse')
    if (isKnown) this.#mark(message.chat, message.seq)
    if (message.is === 'checked' && message.at) this.#mark(message.chat, message.seq)
    for (const effect of effects) this.#hear(effect)
  }

  #hear(effect: UserEffect): void {
    if (effect.do === 'after') this.timers.push(effect)
    else if (effect.do === 'chats') {
      const known = (chats: readonly ListedChat[]) =>
        chats.map((chat) => ({ ...chat, read: this.#stillRead(chat.read) }))
      expect(known(effect.chats)).toEqual(known(this.expected()))
      expect(this.waiting.delete(effect.session), 'one answer for each that has asked').toBe(true)
      this.given += 1
    } else if (effect.do === 'refuse' && effect.kind === 'ask') this.waiting.delete(effect.session)
    else if (answerable.includes(effect.do)) this.asks.push(effect)
  }

  /** Of what has left it does not matter how far it was read. */
  #stillRead = (read: number): number => (read < this.head ? 0 : read)

  #held(from: number, upTo = this.log.length): Entry[] {
    return this.log.slice(Math.max(from, this.head) - 1, upTo)
  }

  /** The oldest leave, as the retention time wants it. */
  leave(count: number): void {
    this.head = Math.min(this.head + count, this.state.log.tail + 1)
  }

  /** What the log says, of what the actor has been told of it; and of chats that have left it, the history. */
  expected(): ListedChat[] {
    const { tail } = this.state.log
    const held = this.#held(1, tail).filter((entry): entry is Carrier => 'body' in entry)
    const isHeld = (entry: Carrier) => held.some((other) => chatOf(other) === chatOf(entry))
    const left = this.kept.filter((entry) => entry.seq < this.head && !isHeld(entry))
    const entries = [...left, ...held]
    const told = chats.flatMap((chat): ListedChat[] => {
      const its = entries.filter((entry) => chatOf(entry) === chat)
      const [last, read] = [its.at(-1), this.reads.get(chat) ?? 0]
      const isUnread = (entry: Carrier) =>
        entry.is === 'message' && !entry.place?.change && !entry.change && entry.seq > read && entry.seq >= this.head
      if (!last) return []
      const tags = chat === team ? 'muted=5\tpinned=3' : ''
      const lifetime = chat === 'ann' ? 'permanent' : 'default'
      return [{ chat, seq: last.seq, time: last.time, unread: its.filter(isUnread).length, read, lifetime, tags }]
    })
    return told.sort((a, b) => b.seq - a.seq)
  }

  /** The store does one of those things; it is told later, but for a deletion. `fails`: of a reading. */
  does(nth: number, fails: boolean): void {
    const [picked] = this.asks.slice(nth % Math.max(1, this.asks.length))
    // One append after the other.
    const ask = picked?.do === 'append' ? this.asks.find((one) => one.do === 'append') : picked
    if (!ask) return
    this.asks.splice(this.asks.indexOf(ask), 1)
    const answer = this.#answer(ask, fails)
    if (answer?.is === 'erased') this.tell(answer)
    else if (answer) this.answers.push(answer)
  }

  #answer(ask: UserEffect, fails: boolean): UserMessage | undefined {
    const page = (from: number, limit: number) => this.#held(from, Math.max(from, this.head) - 1 + limit)
    switch (ask.do) {
      case 'append':
        this.log.push(...ask.entries)
        this.kept.push(...ask.entries.filter((entry) => isKept(bob, entry)))
        return { is: 'appended', first: ask.entries[0]?.seq ?? 0, last: ask.entries.at(-1)?.seq ?? 0 }
      case 'find':
        return { is: 'found', repeats: ask.keys.map(() => undefined) }
      case 'fetch':
        return { is: 'page', reader: ask.reader, from: ask.from, entries: page(ask.from, ask.limit) }
      case 'save':
        for (const [chat, seq] of ask.reads ?? [])
          if (!fails) this.saved.set(chat, Math.max(seq, this.saved.get(chat) ?? 0))
        return { is: 'saved', ok: !fails }
      case 'start':
        return { is: 'started', started: ask.started, tail: ask.tail, session: ask.session, lowest: 0 }
      case 'scan':
        return { is: 'scanned', what: ask.what, from: ask.from, entries: page(ask.from, ask.limit) }
      case 'check': {
        const [entry] = this.#held(ask.seq, ask.seq)
        const isIt = entry?.is === 'message' && chatOf(entry) === ask.chat
        return {
          is: 'checked',
          session: ask.session,
          chat: ask.chat,
          seq: ask.seq,
          at: isIt ? (entry.place?.at ?? ask.seq) : 0,
        }
      }
      case 'reads':
        return { is: 'reads', reads: new Map(this.saved) }
      case 'list': {
        const reads = ask.reads ? new Map(this.saved) : null
        return { is: 'listed', from: ask.from, entries: fails ? null : page(ask.from, Math.min(ask.limit, 3)), reads }
      }
      case 'recollect': {
        const known = this.kept.filter(({ seq }) => seq <= ask.upTo)
        const past = new Map(known.map((entry) => [chatOf(entry), { chat: chatOf(entry), ...newestIs(entry) }]))
        const unknown = [...past.values()].filter(({ chat }) => !ask.known.get(chat)?.seq)
        return { is: 'recollected', known: ask.known, past: fails ? null : unknown }
      }
      case 'findSpan':
        return { is: 'spanFound', deletion: ask.deletion, found: { first: 0, at: 0 } }
      case 'erase': {
        const { chat, from, end } = ask.deletion
        this.log = this.log.map((entry) => (isErased(entry, chat, from, end) ? goneOf(entry) : entry))
        this.kept = this.kept.filter((entry) => !isErased(entry, chat, from, end))
        return { is: 'erased', deletion: ask.deletion, ok: !fails }
      }
      case 'tell':
        if (ask.message.is !== 'receipt') return undefined
        return { is: 'receipted', peer: ask.user, delivered: ask.message.delivered, read: ask.message.read }
      default:
        throw new Error(`nobody answers ${ask.do}`)
    }
  }

  /** The actor is told one of those; of appends the first. */
  told(nth: number): void {
    const [picked] = this.answers.slice(nth % Math.max(1, this.answers.length))
    const answer = picked?.is === 'appended' ? this.answers.find(({ is }) => is === 'appended') : picked
    if (!answer) return
    this.answers.splice(this.answers.indexOf(answer), 1)
    this.tell(answer)
  }

  ring(nth: number): void {
    const [timer] = this.timers.splice(nth % Math.max(1, this.timers.length), 1)
    if (timer) this.tell({ is: 'timer', timer: timer.timer })
  }

  ask(session: number): void {
    this.waiting.add(session)
    this.tell({ is: 'ask', session, what: 'chats' })
  }

  write(chat: UserId, change: boolean): void {
    this.#n += 1
    const id = `id-${this.#n}` as MessageId
    const place =
      chat === team
        ? { group: team as never, epoch: 3, at: this.#n, ...(change && { change: 'add' as const }) }
        : undefined
    const from = chat === team ? (peers[0] as UserId) : chat
    this.tell({
      is: 'deliver',
      origin: { is: 'program' },
      step: { round: 0, n: this.#n } as never,
      from,
      id,
      body: 'x',
      place,
      again: false,
      ticket: this.#n,
    })
  }

  copy(to: UserId): void {
    this.#n += 1
    const id = `id-${this.#n}` as MessageId
    this.tell({
      is: 'copy',
      to,
      at: { epoch: 2, seq: this.#n },
      time: this.#now,
      id,
      body: 'mine',
      again: false,
      ticket: this.#n,
    })
  }

  step(choice: number): void {
    const rest = Math.floor(choice / 21)
    const chat = chats[rest % 3] as UserId
    const session = 1 + (Math.floor(rest / 3) % this.#devices)
    const { tail } = this.state.log
    const kind = choice % 21
    if (kind < 3) this.write(chat, rest % 5 === 0)
    else if (kind < 4) this.copy(chat)
    else if (kind < 6) this.tell({ is: 'ack', session, seq: tail })
    else if (kind < 8 && tail > 0) this.tell({ is: 'read', session, chat, seq: 1 + (Math.floor(rest / 9) % tail) })
    else if (kind < 9 && tail > 0) this.tell({ is: 'delete', session, chat, from: 1 + (rest % tail), upTo: tail })
    else if (kind < 11) this.ask(session)
    else if (kind < 15) this.does(rest, rest % 11 === 0)
    else if (kind < 18) this.told(rest)
    else if (kind < 19) this.ring(rest)
    else if (kind < 20 && rest % 4 === 0) this.begin()
    // While the log is read, some of what leaves is counted.
    else if (kind === 20 && !this.state.work?.listing) this.leave(rest % 8)
  }

  settle(): void {
    for (let n = 0; n < 10_000 && this.asks.length + this.answers.length > 0; n++) {
      while (this.asks.length > 0) this.does(0, false)
      while (this.answers.length > 0) this.told(0)
    }
  }
}

describe('ask chats', () => {
  it('tells what the log and the histories say in that turn, whatever is written, read, deleted and leaves meanwhile, and after a crash', () => {
    const worlds = fc.tuple(
      fc.constantFrom(1, 2),
      fc.array(fc.nat(100_000), { minLength: 20, maxLength: 300, size: 'max' }),
    )
    let given = 0
    fc.assert(
      fc.property(worlds, ([devices, choices]) => {
        const world = new Bob(devices)
        for (const choice of choices) world.step(choice)
        given += world.given
        for (let n = 1; n <= devices; n++) world.ask(n)
        for (let round = 0; round < 20 && world.waiting.size > 0; round++) {
          world.settle()
          if (world.timers.length > 0) world.ring(0)
        }
        expect([...world.waiting], 'all are answered').toEqual([])
      }),
      { numRuns: 300, seed: 1 },
    )
    expect(given, 'many were answered in the middle of it').toBeGreaterThan(100)
  })

  it('reads the log once for all who ask at a time, and again only after a while', () => {
    const world = new Bob(2)
    world.settle()
    const isList = (effect: UserEffect) => effect.do === 'list'
    for (const session of [1, 2, 1]) world.ask(session)
    expect(world.asks.filter(isList)).toMatchObject([{ from: 1, limit: 0, reads: true }])
    world.settle()
    expect([world.given, world.timers]).toMatchObject([2, [{ timer: 'chats', ms: limits.chatsMs }]])
    world.ask(1)
    expect([world.asks, rest(world.state)]).toEqual([[], 'busy'])
    world.ring(world.timers.findIndex(({ timer }) => timer === 'chats'))
    expect(world.asks.filter(isList)).toHaveLength(1)
    world.settle()
    world.ring(world.timers.findIndex(({ timer }) => timer === 'chats'))
    expect([world.given, world.state.work?.listing]).toEqual([3, null])
  })

  const does = (world: Bob, kind: UserEffect['do']) => {
    world.does(
      world.asks.findIndex((ask) => ask.do === kind),
      false,
    )
    world.told(world.answers.length - 1)
  }
  const lists = (world: Bob) => {
    does(world, 'list')
    does(world, 'recollect')
  }
  const readAlone = () => {
    const world = new Bob(1)
    world.write(peers[0] as UserId, false)
    world.settle()
    world.tell({ is: 'ack', session: 1, seq: 1 })
    world.settle()
    world.tell({ is: 'read', session: 1, chat: peers[0] as UserId, seq: 1 })
    expect(world.reads).toEqual(new Map([['ann', 1]]))
    return world
  }

  it('knows a read that is being saved', () => {
    const world = readAlone()
    world.ring(world.timers.findIndex(({ timer }) => timer === 'saveAcks'))
    world.ask(1)
    lists(world)
    expect([world.given, world.saved.size]).toEqual([1, 0])
  })

  it('knows a read that is being written for a device that is new', () => {
    const world = readAlone()
    world.tell({ is: 'attach', session: 2, device: 'new' as DeviceId, cursor: null })
    does(world, 'reads')
    expect([world.state.alone, world.state.log.work?.pending.length]).toEqual([null, 1])
    world.ask(1)
    lists(world)
    expect(world.given).toBe(1)
  })

  it('takes nothing twice that stands behind the tail of then, where a page goes beyond that', () => {
    const world = readAlone()
    world.ask(1)
    world.write(peers[0] as UserId, false)
    does(world, 'append')
    world.tell({ is: 'listed', from: 1, entries: world.log, reads: null })
    does(world, 'recollect')
    expect(world.given).toBe(1)
  })

  it('tells of a permanent chat that leaves the log while that is read, or has left it, and of no deletion what was there', () => {
    const world = new Bob(1)
    for (const chat of ['ann', 'cat', 'ann'] as UserId[]) world.write(chat, false)
    world.settle()
    world.ask(1)
    world.leave(3)
    const told: (readonly string[])[] = []
    const { expected } = world
    world.expected = () => {
      const chats = expected.call(world)
      told.push(chats.map(({ chat, seq, unread }) => `${chat} ${seq} ${unread}`))
      return chats
    }
    lists(world)
    const askAgain = () => {
      world.ring(world.timers.findIndex(({ timer }) => timer === 'chats'))
      world.ask(1)
    }
    askAgain()
    does(world, 'list')
    world.write('ann' as UserId, false)
    does(world, 'append')
    does(world, 'recollect')
    askAgain()
    world.leave(9)
    does(world, 'list')
    world.does(
      world.asks.findIndex((ask) => ask.do === 'recollect'),
      false,
    )
    world.kept = []
    const deletion = {
      by: { is: 'session', session: 9 },
      chat: bob,
      from: 1,
      upTo: 1,
      end: 1,
      waits: 0,
      written: false,
    }
    world.tell({ is: 'erased', deletion: deletion as never, ok: true })
    world.settle()
    expect(told).toEqual([['ann 3 0'], ['ann 4 1'], []])
  })

  it('ends with busy where something is deleted each time, and where the store does not answer', () => {
    const world = new Bob(1)
    for (let n = 0; n < 3; n++) world.write('ann' as UserId, false)
    world.settle()
    world.ask(1)
    const list = (fails: boolean) =>
      world.does(
        world.asks.findIndex((ask) => ask.do === 'list'),
        fails,
      )
    for (let tried = 1; tried <= 4; tried++) {
      list(false)
      world.tell({
        is: 'erased',
        deletion: { by: { is: 'session', session: 9 }, chat: bob, from: 1, upTo: 1, end: 1, waits: 0, written: false },
        ok: true,
      })
      world.told(world.answers.findIndex(({ is }) => is === 'listed'))
    }
    expect([world.waiting.size, world.given, world.state.work?.listing]).toEqual([0, 0, null])
    world.ring(world.timers.findIndex(({ timer }) => timer === 'chats'))
    world.ask(1)
    list(true)
    world.told(world.answers.findIndex(({ is }) => is === 'listed'))
    expect([world.waiting.size, world.given, world.state.work?.listing]).toEqual([0, 0, null])
    world.ring(world.timers.findIndex(({ timer }) => timer === 'chats'))
    world.ask(1)
    does(world, 'list')
    world.does(
      world.asks.findIndex((ask) => ask.do === 'recollect'),
      true,
    )
    world.told(world.answers.length - 1)
    expect([world.waiting.size, world.given, world.state.work?.listing]).toEqual([0, 0, null])
  })

  it('tells of no more chats than the limit, the newest, and counts what comes from others alone', () => {
    const world = new Bob(1)
    for (let n = 1; n <= limits.chats + 2; n++) {
      world.log.push({
        is: 'message',
        seq: n,
        time: n,
        id: `${n}` as MessageId,
        from: `user ${n}` as UserId,
        body: 'x',
      })
    }
    world.log.push({ is: 'message', seq: limits.chats + 3, time: 99, id: 'own' as MessageId, from: bob, body: 'note' })
    world.begin()
    world.expected = () => expect.anything() as never
    let told: readonly ListedChat[] = []
    const { tell } = world
    world.tell = (message) => {
      const effects = asked(receive, world.state, message, { now: 1, limits })
      for (const effect of effects) if (effect.do === 'chats') told = effect.chats
      if (!effects.some(({ do: does }) => does === 'chats'))
        for (const effect of effects) if (effect.do === 'list' || effect.do === 'recollect') world.asks.push(effect)
    }
    world.asks = []
    world.tell({ is: 'ask', session: 1, what: 'chats' })
    while (world.asks.length + world.answers.length > 0) {
      world.does(0, false)
      world.told(0)
    }
    world.tell = tell
    expect(told).toHaveLength(limits.chats)
    expect(told.map(({ chat, unread }) => [chat, unread]).slice(0, 2)).toEqual([
      [bob, 0],
      ['user 12', 1],
    ])
  })
})
