/**
 * Users, a group, their devices and a store on virtual clocks: every mailbox, store call, timer and link is a queue whose next
 * step someone else chooses. The store applies appends in order, and may fail before or after; actors and the node crash. Where it has
 * replicas, an append that fails may be on some of them (rows.ts).
 */
import { expect } from 'vitest'
import { receive as receiveGroup, recover as recoverGroup } from '../../actors/group/group.ts'
import { startGroup } from '../../actors/group/record.ts'
import type { GroupEffect, GroupMessage, GroupState, Message } from '../../actors/group/types.ts'
import { isForNow } from '../../actors/lanes.ts'
import type { Accepted, Copy, Deliver, LogState, Presented } from '../../actors/log/types.ts'
import { startSession, receive as told, unjudged } from '../../actors/session/session.ts'
import type { SessionEffect, SessionMessage } from '../../actors/session/types.ts'
import { mayAdd, openSettings } from '../../actors/settings.ts'
import { recover } from '../../actors/user/recover.ts'
import { startUser } from '../../actors/user/state.ts'
import { senderOf } from '../../actors/user/ticks.ts'
import type { UserEffect, UserMessage, UserState } from '../../actors/user/types.ts'
import { receive } from '../../actors/user/user.ts'
import { Appends } from '../../src/hosts/logs/appends.ts'
import { chatOf, type Entry, isErased } from '../../src/protocol/entry.ts'
import type { ServerFrame } from '../../src/protocol/frames.ts'
import type { Change } from '../../src/protocol/group.ts'
import type { Cursor, DeviceId, MessageId, UserId } from '../../src/protocol/ids.ts'
import type { Settings } from '../../src/protocol/settings.ts'
import type { DeviceCursor, GroupRecord, InboxRecord, Life } from '../../src/store/contract.ts'
import { began } from '../../src/store/lives.ts'
import { asked } from '../actors/turns.ts'
import { type Deletion, Device, sessionLimits, team } from './device.ts'
import { allHave, earned, sameSoFar } from './guarantees.ts'
import { erase, startTimers, vanish, waiting } from './lasting.ts'
import { Rows } from './rows.ts'

const day = 86_400_000
const limits = {
  devices: 3,
  windowEntries: 4,
  windowBytes: 100,
  inboxEntries: 1_000,
  appendsInFlight: 6,
  listed: 10,
  swallows: false,
  lifetime: 'default' as const,
  term: 1,
  life: 0,
  deviceAwayMs: 1e12,
}
const groupLimits = { ...limits, devices: 9, members: 4 }
/** `written`: the entries as they were appended. `erased`: seqs that the user has deleted; `unheard`: by a program, so that maybe no device has got them. */
type Inbox = {
  epoch: number
  entries: Entry[]
  written: Entry[]
  erased: Set<number>
  unheard: Set<number>
  lives: readonly Life[]
  was: number
  cursors: readonly DeviceCursor[]
  settled: number
}
const emptyInbox = (epoch: number): Inbox => ({
  epoch,
  entries: [],
  written: [],
  erased: new Set(),
  unheard: new Set(),
  lives: [],
  was: 0,
  cursors: [],
  settled: 0,
})
/** What was deleted by an entry that tells the devices so. */
const toldOf = ({ erased, written }: Inbox): Set<number> => {
  const told = written.filter((entry) => entry.is === 'deleted')
  const isTold = (entry: Entry | undefined) =>
    entry && told.some(({ chat, from, upTo }) => isErased(entry, chat, from, upTo))
  return new Set([...erased].filter((seq) => isTold(written[seq - 1])))
}
/** A user actor, or the group's: `log` is what it has of an inbox. */
type Actor = {
  log: LogState
  mail: (UserMessage | GroupMessage)[]
  life: number
  person: UserState | null
  group: GroupState | null
}
type Erased = Extract<UserEffect, { do: 'erase' }>['deletion']
type Effect = UserEffect | GroupEffect
type Call = { readonly user: UserId; readonly life: number; readonly append: boolean; run(outcome: Outcome): void }
type Outcome = 'ok' | 'fails' | 'unknown'
/** `draw`: a number from 0 to 1. `settles`: who loads a log makes sure of its end. */
type Replicas = { readonly draw: () => number; readonly settles: boolean }
type Stands = Extract<UserEffect, { do: 'stands' }> & { readonly chat: UserId }
type Receipt = { readonly peer: UserId; readonly epoch: number; readonly delivered: number; readonly read: number }
/** What a client knows of a recipient, of one log, as was told in one life of the node. */
type Mark = { readonly epoch: number; readonly life: number; readonly delivered: number; readonly read: number }
export class World {
  /** By the monotonic clock; and how far the time of day, which somebody sets, is ahead of that, now and at most. */
  now = 1_000
  #ahead = 40 * day
  latest = 0
  stores = new Map<UserId, Inbox>()
  records = new Map<UserId, GroupRecord>()
  settings = new Map<UserId, Settings>()
  /** The terms of the lives of the store, by their names, which begin with 1; and a copy of all that is stored. */
  names = new Map<number, number>()
  life = { term: 1, life: 0 }
  #saved: Pick<World, 'stores' | 'records' | 'settings' | 'names'> | undefined
  putBacks = 0
  readonly actors = new Map<UserId, Actor>()
  readonly devices: Device[]
  calls: Call[] = []
  timers: {
    readonly user: UserId
    readonly life: number
    readonly due: number
    readonly message: UserMessage | GroupMessage
  }[] = []
  readonly marks = new Map<string, Mark[]>()
  /** Messages that were refused for good, though maybe their device never heard of it and sends them again. */
  readonly turnedAway = new Set<MessageId>()
  #appends = this.#startAppends()
  /** The logs of a store with replicas. What is durable there is in `stores`, too. */
  readonly #rows = new Map<UserId, Rows>()
  readonly #replicas: Replicas | null
  #term = 1
  readonly #tickets = new Map<
    number,
    { readonly until: number; readonly id: MessageId; answered(answer: Accepted): void }
  >()
  /** Deletions by programs that are not done. */
  readonly #programs = new Map<number, { readonly user: UserId; readonly chat: UserId }>()
  #count = 0

  constructor(devices: readonly [string, string][], replicas: Replicas | null = null) {
    this.#replicas = replicas
    this.#begin(1)
    this.devices = devices.map(([user, name]) => new Device(user, name))
    const [founder, ...others] = this.devices as [Device, ...Device[]]
    this.write(founder, team, 'Team', 'create')
    this.write(founder, team, [...new Set(others.map(({ user }) => user))].join('\n'), 'add')
  }

  /** The time of day. */
  get wall(): number {
    this.latest = Math.max(this.latest, this.now + this.#ahead)
    return this.now + this.#ahead
  }

  /** Somebody sets the clock of the node. */
  setClock(offMs: number): void {
    this.#ahead = 40 * day + offMs
  }

  actor(user: UserId): Actor {
    const known = this.actors.get(user)
    if (known) return known
    this.#count += 1
    const inbox = this.stores.get(user)
    if (inbox) for (const entry of this.#own(user, false)) this.#put(inbox, entry)
    const [tail, lastTime] = [inbox?.entries.length ?? 0, inbox?.entries.at(-1)?.time ?? 0]
    const record = inbox && {
      ...inbox,
      head: 1,
      tail,
      lastTime,
      waiting: waiting(user, inbox.entries),
    }
    const actor: Actor = { ...this.#start(user, record), mail: [], life: this.#count }
    this.actors.set(user, actor)
    return actor
  }

  #start(user: UserId, record: InboxRecord | undefined): Pick<Actor, 'log' | 'person' | 'group'> {
    if (user !== team) {
      const person = startUser(user, record, this.#count, this.settings.get(user))
      return { log: person.log, person, group: null }
    }
    const known = this.records.get(team)
    const later = (this.stores.get(team)?.entries.slice(known?.seq ?? 0) ?? []).filter(
      (entry): entry is Message => entry.is === 'message',
    )
    const group = startGroup(team, record, structuredClone(known), later, this.#count, 'default', `life ${this.#count}`)
    return { log: group.log, person: null, group }
  }

  tell(user: UserId, message: UserMessage | GroupMessage): void {
    this.actor(user).mail.push(message)
  }

  /** One actor handles one message; with `stop` the process dies after that many of its effects. */
  turn(user: UserId, stop = Number.POSITIVE_INFINITY): void {
    const actor = this.actor(user)
    const message = actor.mail.shift()
    if (!message) return
    const effects = this.#asked(actor, message)
    for (const effect of effects.slice(0, stop)) this.#perform(user, actor, effect)
    if (stop < effects.length) this.kill(stop)
  }

  #asked({ group, person }: Actor, message: UserMessage | GroupMessage): readonly Effect[] {
    const now = this.wall
    if (group) {
      const given = { now, limits: { ...groupLimits, term: this.life.term } }
      return asked(receiveGroup, group, message as GroupMessage, given)
    }
    const given = { now, limits: { ...limits, ...this.life } }
    return person ? asked(receive, person, message as UserMessage, given) : []
  }

  /** The actor is lost; what it had asked of the store lands first, and its devices are attached again. */
  crash(user: UserId): void {
    this.#land(user)
    this.#appends.landed(user, () => {})
    this.#land(user)
    this.timers = this.timers.filter((timer) => timer.user !== user)
    const former = this.actors.get(user)
    this.actors.delete(user)
    if (former?.group) {
      this.actor(user).mail = [...recoverGroup(former.group, former.mail as GroupMessage[]), { is: 'resume' }]
    } else if (former?.person) this.actor(user).mail = recover(former.person, former.mail as UserMessage[])
    for (const device of this.devices)
      if (device.user === user && device.session) this.#attach(device, unjudged(device.state))
  }

  /** Ends up to `count` appends under way, of one user or of all. */
  #land(user: UserId | null, count = Number.POSITIVE_INFINITY): void {
    for (let left = count; left > 0; left--) {
      const call = this.calls.find((call) => call.append && (user === null || call.user === user))
      if (!call) return
      this.calls.splice(this.calls.indexOf(call), 1)
      call.run('ok')
    }
  }

  /** kill -9: memory, links and mail are gone; of the appends under way the first `applied` are on the disk. */
  kill(applied: number): void {
    this.#land(null, applied)
    for (const call of this.calls) if (call.append) call.run('fails')
    this.#restart()
  }

  /** Copies the store as it is, while the node runs. */
  save(): void {
    const { stores, records, settings, names } = this
    this.#saved = structuredClone({ stores, records, settings, names })
  }

  /** The node is killed, and starts on the copy. Reads after it are forgotten, with whoever was told of them; deletions that were not done yet are undone, or half of them. */
  putBack(): void {
    if (!this.#saved || this.#replicas) return
    Object.assign(this, structuredClone(this.#saved))
    this.putBacks += 1
    for (const device of this.devices) device.confirmed.clear()
    for (const inbox of this.stores.values()) inbox.erased = toldOf(inbox)
    this.#restart()
  }

  /** A store with replicas keeps no lives. */
  #begin(term: number): void {
    this.#count += 1
    this.life = { term, life: this.#replicas ? 0 : this.#count }
    this.names.set(this.#count, term)
  }

  #restart(): void {
    this.#begin(this.names.size + 1)
    this.calls = []
    this.#rise()
    this.actors.clear()
    this.#appends = this.#startAppends()
    this.timers = []
    this.#tickets.clear()
    for (const device of this.devices) this.#unlink(device)
    if (this.stores.has(team)) this.tell(team, { is: 'resume' })
  }

  /** The next life begins; maybe some live only long enough to load logs, and to append to them what nobody is told of. */
  #rise(): void {
    this.#term += 1
    if (!this.#replicas || this.#replicas.draw() < 0.5) return
    for (const [user, rows] of this.#rows) {
      const dies = this.#replicas.draw() < 0.3
      const last = this.#own(user, dies).at(-1)
      if (last && !dies && user !== team)
        rows.append(this.#term, [{ is: 'gone', seq: last.seq + 1, time: last.time }], false)
    }
    this.#rise()
  }

  /** What the owner of a log finds: all that was durable, and maybe more. */
  #own(user: UserId, dies: boolean): readonly Entry[] {
    const [rows, inbox] = [this.#rows.get(user), this.stores.get(user)]
    if (!rows || !inbox || !this.#replicas) return []
    const acked = Math.max(0, ...inbox.cursors.map(({ seq }) => seq))
    const found = rows.own(this.#term, acked, this.#replicas.settles, dies)
    if (!dies) expect(found.length, 'what was answered is there').toBeGreaterThanOrEqual(inbox.written.length)
    return found
  }

  #unlink(device: Device): void {
    device.session = 0
    device.frames = []
    for (const sent of device.outbox) sent.flying = false
  }

  connect(device: Device): void {
    if (device.session) return
    this.#count += 1
    device.session = this.#count
    device.state = startSession(sessionLimits, this.now)
    device.welcomed = false
    const { epoch, seq, life } = device.cursor
    const frame = ['hello', null, device.name, epoch, seq, false, life, device.received] as const
    this.#session(device, { is: 'frame', frame })
  }

  /** The session machine of a connected device is told something. */
  #session(device: Device, message: SessionMessage): void {
    for (const effect of asked(told, device.state, message, { now: this.now, limits: sessionLimits }))
      this.#obey(device, effect)
  }

  #obey(device: Device, effect: SessionEffect): void {
    const { session, user } = device
    switch (effect.do) {
      case 'authenticate':
        return this.#session(device, { is: 'allowed', user, device: device.name as DeviceId })
      case 'attach':
        return this.#attach(device, effect.cursor)
      case 'push':
        return void device.frames.push({ do: 'frame', frame: effect.frame })
      case 'deliver': {
        const [, id, to, body, again, , change] = effect.send
        const { step } = effect
        return this.#ask(
          device,
          to,
          { is: 'deliver', origin: { is: 'session', ref: session }, step, from: user, id, body, change, again },
          (answer) => ({
            ...effect,
            is: 'answered',
            answer,
          }),
        )
      }
      case 'copy': {
        const [, id, to, body, again, , change] = effect.send
        const { at, time, lifetime } = effect
        const copy = { is: 'copy', to, at, time, id, body, change, lifetime, again } as const
        return this.#ask(device, user, copy, (answer) => ({ ...effect, is: 'copied', answer }))
      }
      case 'stand': {
        const { chat, place } = effect
        return this.tell(chat, { is: 'stand', session, at: this.#presented(place), life: place.life })
      }
      case 'ack':
        return this.tell(user, { is: 'ack', session, seq: effect.seq })
      case 'read':
        return this.tell(user, { is: 'read', session, chat: effect.chat, seq: effect.seq })
      case 'own':
        return this.tell(user, { ...effect.message, session })
      case 'close':
        expect.fail(`an honest device is closed: ${effect.code}`)
    }
  }

  #attach({ user, session, name }: Device, cursor: Cursor | null): void {
    const device = name as DeviceId
    this.tell(user, { is: 'attach', session, device, cursor: cursor && this.#presented(cursor) })
  }

  #presented({ life, ...cursor }: Cursor): Presented {
    return life === 0 ? cursor : { ...cursor, term: this.names.get(life) ?? 0 }
  }

  #ask(
    device: Device,
    user: UserId,
    message: Omit<Deliver, 'ticket'> | Omit<Copy, 'ticket'>,
    then: (answer: Accepted) => SessionMessage,
  ): void {
    this.#count += 1
    const { session } = device
    const answered = (answer: Accepted) => {
      if (device.session === session) this.#session(device, then(answer))
    }
    this.#tickets.set(this.#count, { until: this.now + 10_000, id: message.id, answered })
    this.tell(user, { ...message, ticket: this.#count })
  }

  disconnect(device: Device): void {
    if (!device.session) return
    this.tell(device.user, { is: 'detach', session: device.session })
    this.#unlink(device)
  }

  write(device: Device, to: UserId, body = 'body', change?: Change): void {
    this.#count += 1
    const id = `00000000-0000-7000-8000-${String(this.#count).padStart(12, '0')}` as MessageId
    device.outbox.push({ id, to, body, change, tried: false, flying: false, at: null, life: 0 })
  }

  /** Sends what is queued to `to`, in order; after a refusal only once nothing is under way any more. */
  send(device: Device, to: UserId): void {
    if (!device.session || !device.welcomed || device.doubts.has(to)) return
    const queued = device.outbox.filter((sent) => sent.to === to && !sent.at)
    const firstFree = queued.findIndex((sent) => !sent.flying)
    if (firstFree === -1 || queued.slice(firstFree).some((sent) => sent.flying)) return
    for (const sent of queued.slice(firstFree, firstFree + 3)) {
      const again = sent.tried
      Object.assign(sent, { tried: true, flying: true })
      this.#session(device, {
        is: 'frame',
        frame: ['send', sent.id, to, sent.body, again, null, ...(sent.change ? [sent.change] : [])] as never,
      })
      if (!device.session) return
    }
  }

  ack(device: Device): void {
    if (!device.session || !device.welcomed || device.received <= device.acked) return
    device.acked = device.received
    device.cursor = { ...device.cursor, seq: device.received }
    this.#session(device, { is: 'frame', frame: ['ack', device.received] })
  }

  read(device: Device, chat: UserId): void {
    const seq = device.unread.get(chat) ?? 0
    if (seq === 0) return
    device.wanted.set(chat, seq)
    this.#read(device, chat)
  }

  #read(device: Device, chat: UserId): void {
    const seq = device.wanted.get(chat)
    if (seq && device.session && device.welcomed) this.#session(device, { is: 'frame', frame: ['read', chat, seq] })
  }

  #deleteAgain(): void {
    for (const [ticket, { user, chat }] of [...this.#programs]) {
      this.#programs.delete(ticket)
      this.deleteChat(user, chat)
    }
  }

  /** A device deletes what it has of a chat, or the last entry of that. */
  delete(device: Device, chat: UserId, single: boolean): void {
    const upTo = device.received
    if (upTo > 0) device.deleting.push({ chat, from: single ? upTo : 1, upTo })
    this.#delete(device)
  }

  #delete(device: Device): void {
    if (!device.session || !device.welcomed) return
    for (const { chat, from, upTo } of device.deleting)
      this.#session(device, { is: 'frame', frame: ['delete', chat, from, upTo] })
  }

  /** A program deletes a chat of a user, and repeats it until it is done. */
  deleteChat(user: UserId, chat: UserId): void {
    this.#count += 1
    this.#programs.set(this.#count, { user, chat })
    const whole = { from: 1, upTo: Number.MAX_SAFE_INTEGER }
    this.tell(user, { is: 'delete', session: 0, ticket: this.#count, chat, ...whole })
  }

  /** The next frame of a device's link. */
  frame(device: Device): void {
    const frame = device.frames.shift()
    if (frame?.do === 'stands') return this.#stands(device, frame as Stands)
    if (frame?.do === 'frame') return this.#answer(device, frame.frame)
    if (frame?.do === 'welcome') return this.#welcome(device, frame)
    if (frame?.do === 'push') for (const entry of frame.entries) this.#entry(device, entry)
    if (frame?.do === 'news') this.#mark(device.user, frame)
    if (frame?.do === 'done') {
      if ((device.wanted.get(frame.chat) ?? 0) <= frame.seq) device.wanted.delete(frame.chat)
      device.confirmed.set(frame.chat, Math.max(frame.seq, device.confirmed.get(frame.chat) ?? 0))
    }
    if (frame?.do === 'close') this.disconnect(device)
    if (frame?.do === 'confirm') this.#deleted(device, frame.ref as UserId, frame.from ?? 0, frame.seq)
    if (frame?.do !== 'refuse' || (frame.kind === 'delete' && frame.code === 'busy')) return
    const chat = frame.ref as UserId
    if (frame.code !== 'not_that_chat') {
      expect([frame.kind, frame.code]).toEqual(['read', 'busy'])
      return void device.refused.add(chat)
    }
    const read = this.stores.get(device.user)?.entries[(device.wanted.get(chat) ?? 0) - 1]
    if (read?.is === 'gone') device.wanted.delete(chat)
  }

  #deleted(device: Device, chat: UserId, from: number, upTo: number): void {
    const left = this.stores.get(device.user)?.entries.slice(from - 1, upTo) ?? []
    expect(
      left.filter((entry) => 'body' in entry && chatOf(entry) === chat),
      'what is deleted is gone',
    ).toEqual([])
    const isDone = (one: Deletion) => one.chat === chat && one.from === from && one.upTo === upTo
    device.deleted.push(...device.deleting.filter(isDone))
    device.deleting = device.deleting.filter((one) => !isDone(one))
  }

  #answer(device: Device, frame: ServerFrame): void {
    const sent = device.outbox.find(({ id }) => id === (frame[0] === 'sent' ? frame[1] : frame[3]))
    if (!sent) throw new Error(`nobody asked for ${JSON.stringify(frame)}`)
    sent.flying = false
    if (frame[0] === 'sent') Object.assign(sent, { at: { epoch: frame[2], seq: frame[3] }, life: this.life.life })
    else if (['unknown_group', 'not_a_member', 'not_an_admin', 'no_change', 'list_full'].includes(String(frame[1])))
      device.outbox.splice(device.outbox.indexOf(sent), 1)
    else expect(['busy', 'rate_limited']).toContain(frame[1])
  }

  #welcome(device: Device, { seq, why }: Extract<UserEffect, { do: 'welcome' }>): void {
    const { epoch } = this.actor(device.user).log
    if (why) {
      expect(
        this.putBacks,
        'nothing expires here, so a cursor is honoured unless its log was put back',
      ).toBeGreaterThan(0)
      device.reset(epoch, seq)
    }
    expect(seq).toBeLessThanOrEqual(device.received)
    // A log that holds nothing yet may still change its name.
    if (device.received > 0) expect(epoch).toBe(device.cursor.epoch)
    sameSoFar(this, device)
    device.welcomed = true
    device.cursor = { epoch, seq: device.cursor.seq, life: this.life.life }
    this.#askWhatHolds(device)
    // After a restart of its actor the server may know less than it was told.
    if (device.acked > seq) this.#session(device, { is: 'frame', frame: ['ack', device.acked] })
    for (const chat of device.wanted.keys()) this.#read(device, chat)
    this.#delete(device)
  }

  #entry(device: Device, entry: Entry): void {
    // What it has and did not acknowledge may come again as gone: a program deleted it meanwhile. The SDK drops it then, too.
    if (entry.seq <= device.received && entry.is === 'gone') device.inbox[entry.seq - 1] = entry
    if (entry.seq <= device.received) return
    expect(entry.seq, 'no hole').toBe(device.received + 1)
    device.received = entry.seq
    device.inbox.push(entry)
    if (entry.is === 'message') device.ever.add(entry.id)
    if (entry.is === 'message') device.unread.set(entry.place?.group ?? entry.from, entry.seq)
    if (entry.is === 'receipt') this.#mark(device.user, entry)
  }

  /** No tick is shown that nobody earned. */
  #mark(user: UserId, { peer, epoch, delivered, read }: Receipt): void {
    if (peer === team) allHave(this, user, delivered)
    else earned(this, user, peer, epoch, delivered)
    this.#merge(`${user} ${peer}`, { epoch, life: this.life.life, delivered, read })
  }

  #merge(key: string, mark: Mark): void {
    const isSame = ({ epoch, life }: Mark) => epoch === mark.epoch && life === mark.life
    const marks = this.marks.get(key) ?? []
    const known = marks.find(isSame) ?? mark
    const [delivered, read] = [Math.max(known.delivered, mark.delivered), Math.max(known.read, mark.read)]
    this.marks.set(key, [...marks.filter((one) => !isSame(one)), { ...mark, delivered, read }])
  }

  /** What it was told in another life, by recipient, log and life. */
  #askWhatHolds(device: Device): void {
    const told = device.outbox.flatMap(({ to, at, life }) => (at ? [{ to, epoch: at.epoch, life, seq: at.seq }] : []))
    for (const [key, marks] of this.marks) {
      const [user, to] = key.split(' ') as [UserId, UserId]
      if (user === device.user) for (const mark of marks) told.push({ ...mark, to, seq: mark.delivered })
    }
    const questions = new Map<string, (typeof told)[number]>()
    for (const one of told.filter(({ life }) => life !== this.life.life)) {
      const key = `${one.to} ${one.epoch} ${one.life}`
      questions.set(key, { ...one, seq: Math.max(one.seq, questions.get(key)?.seq ?? 0) })
    }
    device.doubts.clear()
    for (const [key, { to }] of questions) device.doubts.add(to).add(key)
    for (const { to, epoch, seq, life } of questions.values())
      this.#session(device, { is: 'frame', frame: ['stand', to, epoch, seq, life] })
  }

  #stands(device: Device, { chat, epoch, life, upTo, now }: Stands): void {
    for (const sent of device.outbox) {
      if (sent.to !== chat || sent.at?.epoch !== epoch || sent.life !== life) continue
      if (sent.at.seq <= upTo) Object.assign(sent, { at: { epoch: now, seq: sent.at.seq }, life: this.life.life })
      else Object.assign(sent, { at: null, flying: false })
    }
    const key = `${device.user} ${chat}`
    for (const mark of this.marks.get(key)?.filter((one) => one.epoch === epoch && one.life === life) ?? []) {
      const [delivered, read] = [Math.min(mark.delivered, upTo), Math.min(mark.read, upTo)]
      this.#merge(key, { epoch: now, life: this.life.life, delivered, read })
    }
    device.doubts.delete(`${chat} ${epoch} ${life}`)
    if (![...device.doubts].some((one) => one.startsWith(`${chat} `))) device.doubts.delete(chat)
  }

  #perform(user: UserId, actor: Actor, effect: Effect): void {
    const { life, log: state } = actor
    const inbox = () => {
      const known = this.stores.get(user) ?? emptyInbox(state.epoch)
      this.stores.set(user, known)
      return known
    }
    const call = (run: (outcome: Outcome) => void) => this.calls.push({ user, life, append: false, run })
    const answer = (message: UserMessage | GroupMessage) => {
      const current = this.actors.get(user)
      if (current?.life === life) current.mail.push(message)
    }
    switch (effect.do) {
      case 'append':
        return this.#appends.add(user, effect.epoch, effect.entries, (is, first, last) => answer({ is, first, last }))
      case 'find':
        return void call((outcome) => {
          const find = ({ sender, id }: { sender: UserId; id: MessageId }) =>
            inbox().written.find(
              (entry) => 'body' in entry && entry.id === id && (entry.is === 'copy' ? user : entry.from) === sender,
            )
          answer({ is: 'found', repeats: outcome === 'ok' ? effect.keys.map(find) : null })
        })
      case 'fetch':
      case 'scan':
        return void call((outcome) => {
          vanish(inbox().entries, this.wall)
          const there = this.#rows.get(user)?.read(inbox().written.length)
          if (there) expect(there, 'no replica has anything else').toEqual(inbox().written)
          const entries = inbox().entries.slice(effect.from - 1, effect.from - 1 + effect.limit)
          const found = outcome === 'ok' ? entries : null
          if (effect.do === 'fetch') answer({ is: 'page', reader: effect.reader, from: effect.from, entries: found })
          else answer({ is: 'scanned', what: effect.what, from: effect.from, entries: found })
        })
      case 'check':
        return void call((outcome) => {
          const entry = inbox().entries[effect.seq - 1]
          const sender = entry && senderOf(entry)
          const at = sender?.chat === effect.chat ? sender.at : 0
          const { session, chat, seq } = effect
          answer({ is: 'checked', session, chat, seq, at: outcome === 'ok' ? at : null })
        })
      case 'save':
        return void call((outcome) => {
          if (outcome !== 'fails') Object.assign(inbox(), { cursors: effect.cursors, settled: effect.settled })
          answer({ is: 'saved', ok: outcome === 'ok' })
        })
      case 'keep':
        return void call((outcome) => {
          if (outcome !== 'fails') this.settings.set(user, structuredClone(effect.settings))
          answer({ is: 'kept', ok: outcome === 'ok' })
        })
      case 'start':
        return void call((outcome) => {
          const { started, tail, session } = effect
          const lowest = outcome === 'fails' ? 0 : startTimers(user, inbox().entries, started, this.wall)
          answer({ is: 'started', started, tail, session, lowest: outcome === 'ok' ? lowest : null })
        })
      case 'look':
        return void call((outcome) => {
          const { deletion, from, upTo } = effect
          const senders = inbox()
            .entries.slice(from - 1, upTo)
            .flatMap((entry) => senderOf(entry) ?? [])
            .filter(({ chat }) => chat === deletion.chat)
          const found = { first: senders[0]?.seq ?? 0, at: senders.at(-1)?.at ?? 0 }
          answer({ is: 'looked', deletion, found: outcome === 'ok' ? found : null })
        })
      case 'erase':
        return void call((outcome) => {
          const { deletion } = effect
          if (outcome !== 'fails') this.#erase(inbox(), deletion)
          answer({ is: 'erased', deletion, ok: outcome === 'ok' })
        })
      case 'after':
        return void this.timers.push({
          user,
          life,
          due: this.now + effect.ms,
          message: { is: 'timer', timer: effect.timer } as UserMessage | GroupMessage,
        })
      case 'tell':
        return this.tell(effect.user, effect.message)
      case 'answer':
        return this.#answered(user, effect.ticket, effect.answer)
      case 'fan':
        return this.#fan(effect, answer)
      case 'consult':
        return void call((outcome) => {
          const { ticket, by, users } = effect
          const open = users.filter((user) => mayAdd(this.settings.get(user) ?? openSettings, by))
          answer({ is: 'consulted', ticket, open: outcome === 'ok' ? open : null })
        })
      case 'record':
        return void call((outcome) => {
          expect(effect.record.seq, 'a record speaks of what is durable').toBeLessThanOrEqual(inbox().entries.length)
          if (outcome !== 'fails') this.records.set(team, structuredClone(effect.record))
          answer({ is: 'recorded', ok: outcome === 'ok' })
        })
      case 'rename':
        return void call((outcome) => {
          if (outcome !== 'fails') Object.assign(inbox(), { was: inbox().epoch, epoch: effect.epoch })
        })
      case 'accepted':
      case 'receipted':
      case 'members':
      case 'ticks':
      case 'typing':
      case 'show':
        return
      default: {
        if (effect.do === 'push') for (const entry of effect.entries) this.#pushed(inbox(), entry)
        const device = this.devices.find(({ session }) => session === effect.session)
        if (!device) return
        if (effect.do === 'welcome') this.#session(device, { ...effect, is: 'welcomed' })
        else if (effect.do === 'siblings') return this.#session(device, { is: 'siblings' })
        else if (effect.do === 'settings') device.state.settings = effect.settings
        device.frames.push((effect.do === 'stands' ? { ...effect, chat: user } : effect) as UserEffect)
      }
    }
  }

  #erase({ entries, erased, unheard }: Inbox, { session, chat, from, end }: Erased): void {
    for (const entry of entries) {
      if (!isErased(entry, chat, from, end)) continue
      erased.add(entry.seq)
      if (session === 0) unheard.add(entry.seq)
    }
    erase(entries, chat, from, end)
  }

  /** No replay ever brings what has vanished. */
  #pushed({ entries, erased }: Inbox, entry: Entry): void {
    if (!('body' in entry)) return
    expect(entry.expires ?? Number.POSITIVE_INFINITY, 'what has run out is not sent').toBeGreaterThan(this.wall)
    if (!erased.has(entry.seq)) expect(entries[entry.seq - 1]?.is, 'what is gone is not sent').toBe(entry.is)
  }

  /** A copy for a member's inbox. */
  #fan(effect: Extract<GroupEffect, { do: 'fan' }>, answer: (message: GroupMessage) => void): void {
    const { link, member, entry, step, again } = effect
    const { seq, from, id, body, change, lifetime } = entry
    const place = { group: team, epoch: this.stores.get(team)?.epoch ?? 0, at: seq, ...(change && { change }) }
    this.#count += 1
    const ticket = this.#count
    const answered = (accepted: Accepted) =>
      answer({ is: 'fanned', copies: [{ link: link.ref, step, answer: accepted }] })
    this.#tickets.set(ticket, { until: this.now + 10_000, id, answered })
    this.tell(member, {
      is: 'deliver',
      origin: link,
      step,
      from,
      id,
      body,
      place,
      lifetime,
      again,
      ticket,
    })
  }

  #startAppends(): Appends {
    return new Appends((user, epoch, entries, done) => {
      const run = (outcome: Outcome) => {
        const inbox = this.stores.get(user) ?? emptyInbox(epoch)
        this.stores.set(user, inbox)
        if (inbox.entries.length === 0) inbox.epoch = epoch
        const rows = this.#replicas && (this.#rows.get(user) ?? new Rows(this.#replicas.draw))
        if (rows) this.#rows.set(user, rows)
        rows?.append(this.#term, entries, outcome === 'ok')
        if (rows ? outcome === 'ok' : outcome !== 'fails') for (const entry of entries) this.#put(inbox, entry)
        done(outcome === 'ok')
      }
      this.calls.push({ user, life: 0, append: true, run })
    })
  }

  #put(inbox: Inbox, entry: Entry): void {
    const known = inbox.written[entry.seq - 1]
    if (known) return expect(known, 'a seq is never given to another entry').toEqual(entry)
    expect(entry.seq, 'seqs are dense').toBe(inbox.entries.length + 1)
    expect(entry.time).toBeGreaterThanOrEqual(inbox.entries.at(-1)?.time ?? 0)
    inbox.lives = began(inbox.lives, { term: this.life.term, from: entry.seq })
    inbox.entries.push(entry)
    inbox.written.push(entry)
  }

  #answered(user: UserId, ticket: number, answer: Accepted): void {
    if (this.#programs.has(ticket)) {
      if (answer.is === 'accepted') this.#programs.delete(ticket)
      return
    }
    const asked = this.#tickets.get(ticket)
    this.#tickets.delete(ticket)
    if (asked && answer.is === 'refused' && !isForNow(answer.code)) this.turnedAway.add(asked.id)
    if (answer.is === 'accepted') {
      const entry = this.stores.get(user)?.written[answer.at.seq - 1]
      expect(entry, 'sent means durable').toMatchObject(asked ? { id: asked.id } : {})
    }
    asked?.answered(answer)
  }

  /** Runs what is due, all of it, without faults. */
  settle(): void {
    for (let round = 0; round < 400 && !(round > 0 && this.#still); round++) {
      for (const device of this.devices) {
        this.connect(device)
        while (device.frames.length > 0) this.frame(device)
        this.ack(device)
        for (const chat of device.refused) this.#read(device, chat)
        device.refused.clear()
        this.#delete(device)
        for (const to of new Set(device.outbox.map((sent) => sent.to))) this.send(device, to)
      }
      if (round % 60 === 0) this.#deleteAgain()
      for (const user of [...this.actors.keys()]) while (this.actor(user).mail.length > 0) this.turn(user)
      for (const call of this.calls.splice(0)) call.run('ok')
      this.tick(500)
    }
  }

  /** Nothing is under way, and no timer but those that save acknowledgements after minutes. */
  get #still(): boolean {
    return (
      this.calls.length + this.#programs.size === 0 &&
      this.timers.every(({ due }) => due > this.now + 60_000) &&
      [...this.actors.values()].every(({ mail }) => mail.length === 0) &&
      this.devices.every(({ session, frames, outbox, refused, deleting }) => {
        return session && frames.length + refused.size + deleting.length === 0 && outbox.every(({ at }) => at)
      })
    )
  }

  tick(ms: number): void {
    this.now += ms
    for (const [ticket, asked] of this.#tickets) {
      if (asked.until > this.now) continue
      // An answer may still come, to nobody.
      this.#tickets.set(ticket, { ...asked, until: Number.POSITIVE_INFINITY, answered: () => {} })
      asked.answered({ is: 'refused', code: 'busy' })
    }
    const due = this.timers.filter((timer) => timer.due <= this.now)
    this.timers = this.timers.filter((timer) => timer.due > this.now)
    for (const { user, life, message } of due) if (this.actors.get(user)?.life === life) this.tell(user, message)
  }
}
