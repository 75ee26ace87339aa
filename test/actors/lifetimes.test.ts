/** Lifetimes: which change counts, and that a replay never brings what has vanished. A machine, the memory store, a virtual clock. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isFull, lifetimeOf, withLifetime } from '../../actors/lifetime.ts'
import { startSession, receive as told } from '../../actors/session/session.ts'
import type { SessionEffect, SessionMessage } from '../../actors/session/types.ts'
import { openSettings } from '../../actors/settings.ts'
import type { UserEffect } from '../../actors/user/effects.ts'
import type { UserMessage } from '../../actors/user/messages.ts'
import type { UserState } from '../../actors/user/state.ts'
import { startUser } from '../../actors/user/state.ts'
import { senderOf } from '../../actors/user/ticks.ts'
import { receive } from '../../actors/user/user.ts'
import type { Entry } from '../../src/protocol/entry.ts'
import type { DeviceId, MessageId, UserId } from '../../src/protocol/ids.ts'
import type { Lifetime } from '../../src/protocol/lifetime.ts'
import type { ChatLifetime } from '../../src/protocol/settings.ts'
import type { Store } from '../../src/store/contract.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { limits } from './limits.ts'
import { asked } from './turns.ts'

const user = (name: string) => name as UserId
const [ann, bob] = [user('ann'), user('bob')]
const messageId = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}` as MessageId
const kinds = [
  'default',
  'permanent',
  'temporary',
  'delivered 1000',
  'delivered 5000',
  'read 1000',
  'read 5000',
] as const
const anyLifetime = fc.constantFrom<Lifetime>(...kinds)

it('a change to the default stays known where another lifetime is usual', () => {
  const change = {
    chat: ann,
    lifetime: 'default',
    time: 1,
    id: '00000000-0000-7000-8000-000000000001' as MessageId,
  } as const
  const other = { ...change, chat: user('cat'), time: 9e9 }
  const settings = (usual: Lifetime) => withLifetime(withLifetime(openSettings, change, usual, 1), other, usual, 9e9)
  expect(lifetimeOf(settings('permanent'), ann, 'permanent')).toBeUndefined()
  expect(lifetimeOf(openSettings, ann, 'permanent')).toBe('permanent')
  expect(settings('default').lifetimes).toHaveLength(1)
})

describe('the lifetimes that a user knows', () => {
  const change = fc.record<ChatLifetime>({
    chat: fc.constantFrom(user('ann'), user('cat')),
    lifetime: anyLifetime,
    time: fc.integer({ min: 1, max: 4 }),
    id: fc.integer({ min: 1, max: 9 }).map(messageId),
  })
  const known = (changes: readonly ChatLifetime[]) =>
    changes.reduce((settings, next) => withLifetime(settings, next, 'default', 10), openSettings)

  it('are those of the latest change of each chat, in whatever order and how often the changes come', () => {
    const changes = fc.uniqueArray(change, { selector: ({ chat, time, id }) => `${chat} ${time} ${id}` })
    fc.assert(
      fc.property(changes, fc.func(fc.integer()), (given, rank) => {
        const latest = [...given].sort((a, b) => a.time - b.time || (a.id < b.id ? -1 : 1))
        const shuffled = [...given, ...given.slice(0, 2)].sort((a, b) => rank(a) - rank(b))
        for (const chat of [user('ann'), user('cat'), user('dan')]) {
          const expected = latest.findLast((one) => one.chat === chat)?.lifetime
          expect(lifetimeOf(known(shuffled), chat, 'default') ?? 'default').toBe(expected ?? 'default')
        }
      }),
    )
  })

  it('forget a chat that is back at the default after two days, and count the others', () => {
    const back: ChatLifetime = { chat: ann, lifetime: 'default', time: 1_000, id: messageId(1) }
    const days = (n: number) => 1_000 + n * 86_400_000
    const next: ChatLifetime = { chat: user('cat'), lifetime: 'permanent', time: days(1), id: messageId(2) }
    const settings = withLifetime(withLifetime(openSettings, back, 'default', 1_000), next, 'default', days(1))
    expect(settings.lifetimes).toEqual([back, next])
    const later = withLifetime(settings, { ...next, lifetime: 'temporary', time: days(3) }, 'default', days(3))
    expect(later.lifetimes.map(({ chat }) => chat)).toEqual(['cat'])
    expect([isFull(settings, user('dan'), 2), isFull(settings, ann, 2), isFull(later, user('dan'), 2)]).toEqual([
      true,
      false,
      false,
    ])
  })
})

/** Bob's actor, whose phone is live, in a chat with ann that has this lifetime. */
function live(lifetime: Lifetime, devices = ['phone']) {
  const change = { chat: ann, lifetime, time: 1, id: messageId(1) }
  const state = startUser(bob, undefined, 7, { ...openSettings, lifetimes: [change] })
  let now = 1_000
  const tell = (message: UserMessage, ms = 0): readonly UserEffect[] => {
    now += ms
    return asked(receive, state, message, { now, limits })
  }
  for (const [index, device] of devices.entries()) {
    tell({ is: 'attach', session: index + 1, device: device as DeviceId, cursor: null })
    tell({ is: 'page', reader: index + 1, from: 1, entries: [] })
  }
  const deliver = (n: number, more: object = {}) =>
    tell({
      is: 'deliver',
      origin: { is: 'program' },
      step: { nth: n, round: 1 },
      from: ann,
      id: messageId(n),
      body: 'hi',
      again: false,
      ticket: n,
      ...more,
    })
  const arrive = (seq: number) => [...deliver(seq + 1), ...tell({ is: 'appended', first: seq, last: seq })]
  return { state, tell, deliver, arrive }
}
const of = (effects: readonly UserEffect[], ...wanted: string[]) =>
  effects.filter((effect) => wanted.includes(effect.do))

describe('a session', () => {
  it('refuses for good a change that its user has no room for, and sends what comes after it', () => {
    const bounds = { framesPerSecond: 100, sendsInFlight: 9, watches: 1, listed: 1 }
    const session = startSession(bounds, 0)
    const tell = (message: SessionMessage) => asked(told, session, message, { now: 0, limits: bounds })
    tell({ is: 'allowed', user: ann, device: 'phone' as DeviceId })
    tell({ is: 'welcomed', siblings: false, settings: openSettings })
    const change = ['send', messageId(1), bob, 'temporary', false, null, 'lifetime'] as const
    const [, delivered] = tell({ is: 'frame', frame: change })
    expect(delivered).toMatchObject({ do: 'deliver' })
    const { step } = delivered as Extract<SessionEffect, { do: 'deliver' }>
    tell({ is: 'answered', send: change, step, answer: { is: 'refused', code: 'busy' } })
    const full = { chat: user('cat'), lifetime: 'permanent', time: 1, id: messageId(9) } as const
    tell({ is: 'settings', settings: { ...openSettings, lifetimes: [full] } })
    expect(tell({ is: 'frame', frame: change })).toMatchObject([
      { do: 'active' },
      { frame: ['error', 'list_full', 'send', messageId(1), 0, ''] },
    ])
    expect(tell({ is: 'frame', frame: ['send', messageId(2), bob, 'hi', false] })).toMatchObject([
      { do: 'active' },
      { do: 'deliver' },
    ])
    expect(session.lanes?.flying).toBe(1)
  })
})

describe('a user actor', () => {
  it('starts a timer when the sender was told, and not before: of what has vanished nobody could be told', () => {
    for (const lifetime of ['temporary', 'delivered 5000'] as const) {
      const { tell, arrive, state } = live(lifetime)
      arrive(1)
      expect(of(tell({ is: 'ack', session: 1, seq: 1 }), 'tell', 'start').map(({ do: what }) => what)).toEqual(['tell'])
      const [is] = lifetime.split(' ') as ['temporary' | 'delivered']
      const confirmed = tell({ is: 'receipted', peer: ann, delivered: 1, read: 0 })
      const started = { is, upTo: 1 }
      expect(of(confirmed, 'start')).toEqual([{ do: 'start', started, tail: 1, session: 0 }])
      expect(of(tell({ is: 'ack', session: 1, seq: 1 }), 'start'), 'one at a time').toEqual([])
      tell({ is: 'started', started, tail: 1, session: 0, lowest: null })
      expect(of(tell({ is: 'timer', timer: 'start' }), 'start'), 'again after it failed').toHaveLength(1)
      tell({ is: 'started', started, tail: 1, session: 0, lowest: 0 })
      expect(state.log.waiting).toBeNull()
    }
  })

  it('waits for every device that counts before what is temporary vanishes', () => {
    const { tell, arrive } = live('temporary', ['phone', 'laptop'])
    arrive(1)
    tell({ is: 'ack', session: 1, seq: 1 })
    expect(of(tell({ is: 'receipted', peer: ann, delivered: 1, read: 0 }), 'start')).toEqual([])
    tell({ is: 'remove', session: 1, device: 'laptop' as DeviceId })
    expect(of(tell({ is: 'settingsSaved', ok: true }), 'start')).toHaveLength(1)
  })

  it('is done with a read when its timers run, and says so where they may not', () => {
    const { tell, arrive } = live('read 5000')
    arrive(1)
    tell({ is: 'ack', session: 1, seq: 1 })
    const read = () => {
      const told = tell({ is: 'read', session: 1, chat: ann, seq: 1 })
      return [...told, ...tell({ is: 'receipted', peer: ann, delivered: 1, read: 1 })]
    }
    const started = { is: 'read', chat: ann, upTo: 1 } as const
    expect(of(read(), 'start', 'done')).toEqual([{ do: 'start', started, tail: 1, session: 1 }])
    expect(of(tell({ is: 'started', started, tail: 1, session: 1, lowest: null }), 'refuse', 'done')).toEqual([
      { do: 'refuse', session: 1, kind: 'read', ref: ann, code: 'busy' },
    ])
    read()
    const done = tell({ is: 'started', started, tail: 1, session: 1, lowest: 0 })
    expect(of(done, 'done')).toEqual([{ do: 'done', session: 1, chat: ann, seq: 1 }])
    expect(of(read(), 'start', 'done'), 'nothing waits any more').toHaveLength(1)
  })

  it('keeps a lifetime before the message that changes it, and what comes after waits for both', () => {
    const { state, tell, deliver } = live('default')
    const kept = deliver(2, { body: 'temporary', change: 'lifetime' })
    expect(kept).toMatchObject([
      { do: 'saveSettings', settings: { lifetimes: [{ lifetime: 'temporary', time: 1_000 }] } },
    ])
    expect(deliver(3)).toEqual([])
    // A receipt's entry comes before it, and may not have a later time than the change has.
    tell({ is: 'receipt', from: ann, epoch: 1, delivered: 1, read: 0, again: false }, 500)
    expect(of(tell({ is: 'timer', timer: 'receipts' }, 1_000), 'append')).toMatchObject([
      { entries: [{ is: 'receipt', seq: 1, time: 1_000 }] },
    ])
    const entries = of(tell({ is: 'settingsSaved', ok: true }, 1_000), 'append')
    expect(entries).toMatchObject([
      { entries: [{ seq: 2, time: 1_000, change: 'lifetime', lifetime: 'temporary' }] },
      { entries: [{ seq: 3, time: 3_500, body: 'hi', lifetime: 'temporary' }] },
    ])
    expect(lifetimeOf(state.settings, ann, 'default')).toBe('temporary')
  })

  it('refuses a change for now that could not be kept, and what came after it', () => {
    const { state, tell, deliver } = live('default')
    deliver(2, { origin: { is: 'session', ref: 9 }, body: 'temporary', change: 'lifetime' })
    deliver(3, { origin: { is: 'session', ref: 9 } })
    const answers = of(tell({ is: 'settingsSaved', ok: false }), 'answer', 'append')
    expect(answers).toMatchObject([
      { ticket: 2, answer: { code: 'busy' } },
      { ticket: 3, answer: { code: 'busy' } },
    ])
    expect(lifetimeOf(state.settings, ann, 'default')).toBeUndefined()
  })
})

type Event = {
  readonly lifetime: Lifetime
  readonly first: number
  readonly read: number
  readonly all: boolean
  readonly once: boolean
}

/** Bob's actor over a store that may fail, with his devices, and ann who answers every receipt at once. */
class Bed {
  #broke = false
  now = 1_000_000
  state: UserState
  readonly devices = new Map<
    string,
    { session: number; received: number; acked: number; ever: number; welcomed: boolean }
  >()
  /** By seq: how long it stays, and when what happened to it. */
  readonly events = new Map<number, Event>()
  readonly #store: Store
  #mail: UserMessage[] = []
  #timers: { readonly due: number; readonly message: UserMessage }[] = []
  #last = 0
  /** Calls of the store that fail before it answers again. */
  failing = 0

  constructor(store: Store) {
    this.#store = store
    this.state = startUser(bob, undefined, 7)
  }

  async tell(message: UserMessage): Promise<void> {
    this.#mail.push(message)
    for (let next = this.#mail.shift(); next; next = this.#mail.shift()) {
      if (next.is === 'unappended') this.#broke = false
      const effects = asked(receive, this.state, next, { now: this.now, limits })
      for (const effect of effects) await this.#perform(effect)
    }
  }

  async #call<T>(run: () => Promise<T>): Promise<T | null> {
    if (this.failing > 0) {
      this.failing -= 1
      return null
    }
    return run()
  }

  async #perform(effect: UserEffect): Promise<void> {
    const store = this.#store
    switch (effect.do) {
      case 'append': {
        const [first, last] = [effect.entries[0]?.seq ?? 0, effect.entries.at(-1)?.seq ?? 0]
        // As by the host: behind an append that failed nothing is written before the actor knows of it.
        const done = !this.#broke && (await this.#call(() => store.append(bob, 7, 1, effect.entries).then(() => true)))
        this.#broke = !done
        if (done) for (const entry of effect.entries) this.#appended(entry)
        return void this.#mail.push({ is: done ? 'appended' : 'unappended', first, last })
      }
      case 'find':
        return void this.#mail.push({
          is: 'found',
          repeats: await this.#call(() => store.findRepeats(bob, effect.keys, this.now, effect.upTo)),
        })
      case 'fetch': {
        const { reader, from, limit, bytes } = effect
        const entries = await this.#call(() => store.read(bob, from, limit, bytes, this.now))
        return void this.#mail.push({ is: 'page', reader, from, entries })
      }
      case 'scan': {
        const { what, from, limit, bytes } = effect
        const entries = await this.#call(() => store.read(bob, from, limit, bytes, this.now))
        return void this.#mail.push({ is: 'scanned', what, from, entries })
      }
      case 'check': {
        const { session, chat, seq } = effect
        const found = await this.#call(() => store.read(bob, seq, 1, 1, this.now))
        const sender = found?.flatMap((entry) => senderOf(entry) ?? [])[0]
        return void this.#mail.push({ is: 'checked', session, chat, seq, at: found && (sender?.at ?? 0) })
      }
      case 'start': {
        const { started, tail, session } = effect
        const lowest = await this.#call(() => store.startTimers(bob, started, this.now))
        return void this.#mail.push({ is: 'started', started, tail, session, lowest })
      }
      case 'save': {
        const saved = await this.#call(() => store.saveCursors(bob, 7, effect.cursors, effect.settled).then(() => true))
        return void this.#mail.push({ is: 'saved', ok: saved === true })
      }
      case 'saveSettings': {
        const kept = await this.#call(() => store.saveSettings(bob, effect.settings).then(() => true))
        return void this.#mail.push({ is: 'settingsSaved', ok: kept === true })
      }
      case 'tell':
        if (effect.message.is === 'receipt')
          this.#mail.push({
            is: 'receipted',
            peer: effect.user,
            delivered: effect.message.delivered,
            read: effect.message.read,
          })
        return
      case 'after':
        return void this.#timers.push({ due: this.now + effect.ms, message: { is: 'timer', timer: effect.timer } })
      case 'close':
        for (const [name, { session }] of this.devices) if (session === effect.session) await this.detach(name)
        return
      case 'welcome':
        for (const device of this.devices.values()) if (device.session === effect.session) device.welcomed = true
        return
      case 'push':
        return this.#pushed(effect.session, effect.entries)
      case 'done':
        for (const [seq, event] of this.events)
          if (seq <= effect.seq && event.read === 0) this.events.set(seq, { ...event, read: this.now })
    }
  }

  #appended(entry: Entry): void {
    if (entry.is !== 'message' || this.events.has(entry.seq)) return
    this.events.set(entry.seq, { lifetime: entry.lifetime ?? 'default', first: 0, read: 0, all: false, once: false })
  }

  #pushed(session: number, entries: readonly Entry[]): void {
    const device = [...this.devices.values()].find((device) => device.session === session)
    for (const entry of entries) {
      if (entry.is === 'message') this.#mayCome(entry.seq)
      else if (entry.is === 'gone') this.#mayBeGone(entry.seq)
      if (device) device.received = entry.seq
    }
  }

  /** When a message vanishes: never later than this, where the store did not fail and nothing crashed. */
  #end({ lifetime, first, read }: Event): number {
    const [kind, ms = '0'] = lifetime.split(' ')
    const since = kind === 'delivered' ? first : kind === 'read' ? read : 0
    return since === 0 ? Number.POSITIVE_INFINITY : since + Number(ms)
  }

  faulty = false
  #mayCome(seq: number): void {
    const event = this.events.get(seq)
    if (!event || this.faulty) return
    expect(this.now, `entry ${seq} (${event.lifetime}) comes while it is there`).toBeLessThan(this.#end(event))
    expect(event.lifetime === 'temporary' && event.all, 'what all devices have comes no more').toBe(false)
  }

  #mayBeGone(seq: number): void {
    const event = this.events.get(seq) as Event
    const over = event.lifetime === 'temporary' ? event.once : this.now >= this.#end(event)
    expect(over, `entry ${seq} (${event.lifetime}) vanishes only when its time is over`).toBe(true)
  }

  async deliver(change?: Lifetime): Promise<void> {
    this.#last += 1
    const what = change ? { body: change, change: 'lifetime' as const } : { body: 'hi' }
    const step = { nth: this.#last, round: 1 }
    await this.tell({
      is: 'deliver',
      origin: { is: 'program' },
      step,
      from: ann,
      id: messageId(this.#last),
      again: false,
      ticket: this.#last,
      ...what,
    })
  }

  /** A device comes: with its cursor, or as one that has lost everything. */
  async attach(name: string, empty: boolean): Promise<void> {
    await this.detach(name)
    this.#last += 1
    const known = this.devices.get(name)
    const received = empty ? 0 : (known?.acked ?? 0)
    const { ever = 0, welcomed = false } = known ?? {}
    this.devices.set(name, { session: this.#last, received, acked: received, ever, welcomed })
    this.#count()
    await this.tell({
      is: 'attach',
      session: this.#last,
      device: name as DeviceId,
      cursor: { epoch: 7, seq: received },
    })
  }

  /** What all devices have vanishes for good. One that lost everything has acknowledged it nevertheless, if that is all that is known. */
  #count(): void {
    // One whose link was lost before it was welcomed was not here.
    const devices = [...this.devices.values()].filter(({ session, welcomed }) => session !== 0 || welcomed)
    for (const [seq, event] of this.events) {
      const all = event.all || devices.every(({ acked }) => acked >= seq)
      const once = event.once || devices.every(({ ever }) => ever >= seq)
      this.events.set(seq, { ...event, all, once })
    }
  }

  async detach(name: string): Promise<void> {
    const device = this.devices.get(name)
    if (!device || device.session === 0) return
    const { session } = device
    device.session = 0
    this.#count()
    await this.tell({ is: 'detach', session })
  }

  async ack(name: string): Promise<void> {
    const device = this.devices.get(name)
    if (!device || device.session === 0 || device.received === device.acked) return
    device.acked = device.received
    device.ever = Math.max(device.ever, device.acked)
    for (const [seq, event] of this.events)
      if (seq <= device.acked) this.events.set(seq, { ...event, first: event.first || this.now })
    this.#count()
    await this.tell({ is: 'ack', session: device.session, seq: device.acked })
  }

  /** Reads the last message that is shown: one that has vanished nobody reads. */
  async read(name: string): Promise<void> {
    const device = this.devices.get(name)
    const there = (await this.entries()).filter((entry) => entry.is === 'message').map(({ seq }) => seq)
    const seq = there.findLast((seq) => seq <= (device?.received ?? 0))
    if (device && device.session !== 0 && seq) await this.tell({ is: 'read', session: device.session, chat: ann, seq })
  }

  async pass(ms: number): Promise<void> {
    const until = this.now + ms
    for (;;) {
      const [next] = this.#timers.filter(({ due }) => due <= until).sort((a, b) => a.due - b.due)
      if (!next) break
      this.#timers = this.#timers.filter((timer) => timer !== next)
      this.now = Math.max(this.now, next.due)
      await this.tell(next.message)
    }
    this.now = until
  }

  entries(): Promise<readonly Entry[]> {
    return this.#store.read(bob, 1, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, this.now)
  }

  /** The actor is gone, with what it had not saved. Its devices come again with their cursors. */
  async crash(): Promise<void> {
    this.failing = 0
    this.#timers = []
    this.#mail = []
    const record = await this.#store.load(bob)
    this.state = startUser(bob, record, 7, await this.#store.settings(bob))
    const connected = [...this.devices].flatMap(([name, { session }]) => (session === 0 ? [] : name))
    // One that was new, and not saved yet, is new again.
    for (const name of this.devices.keys())
      if (!record?.cursors.some(({ device }) => device === name)) this.devices.delete(name)
    for (const device of this.devices.values()) device.session = 0
    for (const name of connected) await this.attach(name, false)
  }
}

const runs = Number(process.env['LIFETIME_RUNS'] ?? 100)

type Step = readonly [kind: number, device: string, n: number]
const step: fc.Arbitrary<Step> = fc.tuple(fc.nat(99), fc.constantFrom('phone', 'laptop', 'tablet'), fc.nat(6_000))

async function take(bed: Bed, [kind, device, n]: Step): Promise<void> {
  if (kind < 20) return bed.deliver()
  if (kind < 27) return bed.deliver(kinds[n % kinds.length])
  if (kind < 45) return bed.ack(device)
  if (kind < 55) return bed.read(device)
  if (kind < 68) return bed.attach(device, n % 3 === 0)
  if (kind < 74) return bed.detach(device)
  if (kind < 95) return bed.pass(n)
  if (!bed.faulty) return
  if (kind < 98) bed.failing = n % 4
  else await bed.crash()
}

describe('a message that does not stay', () => {
  const after = async (steps: readonly Step[], faulty: boolean) => {
    const store = memoryStore()
    await store.open()
    const bed = new Bed(store)
    bed.faulty = faulty
    for (const each of steps) await take(bed, each)
    return bed
  }

  it('comes until its time is over, and in no replay after that', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 120, size: 'max' }), async (steps) => {
        const bed = await after(steps, false)
        for (const device of ['phone', 'laptop', 'tablet']) await bed.attach(device, true)
      }),
      { numRuns: runs },
    )
  })

  it('never vanishes early, whatever fails, and vanishes once everything works again', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 120, size: 'max' }), async (steps) => {
        const bed = await after(steps, true)
        bed.failing = 0
        for (let round = 0; round < 40; round++) {
          for (const device of ['phone', 'laptop', 'tablet']) {
            if (!bed.devices.get(device)?.session) await bed.attach(device, false)
            await bed.ack(device)
          }
          if (round === 30) await bed.read('phone')
          await bed.pass(5_000)
        }
        const left = [...bed.events].filter(([, { lifetime }]) => lifetime !== 'default' && lifetime !== 'permanent')
        const seen: number[] = []
        const page = await bed.entries()
        for (const entry of page) if (entry.is === 'message') seen.push(entry.seq)
        expect(left.filter(([seq]) => seen.includes(seq))).toEqual([])
      }),
      { numRuns: runs },
    )
  })
})
