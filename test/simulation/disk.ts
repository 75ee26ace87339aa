/**
 * The store of a world: one in memory behind a queue. Each call waits until somebody lets it succeed, or fail before or after it was done.
 * Appends and all other writes are two lines, as a journal and tables are: a crash may keep what is later in the one and not the other.
 * It may be copied while a node runs, and put back. With replicas a log has its rows there (rows.ts).
 */
import { expect } from 'vitest'
import { unwelcomed } from '../../actors/log/state.ts'
import type { MediaStore } from '../../src/media/contract.ts'
import { type Carrier, type Entry, isErased } from '../../src/protocol/entry.ts'
import type { MessageId, UserId } from '../../src/protocol/ids.ts'
import type { LapStore, Store } from '../../src/store/contract.ts'
import { StoreError } from '../../src/store/error.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { Cluster, type Replicas } from './cluster.ts'
import { Contents, mediaCalls, mediaWrites } from './contents.ts'
import type { Life } from './life.ts'

export type Outcome = 'ok' | 'fails' | 'unknown'
type Args = readonly unknown[]
type Method = (...args: Args) => Promise<unknown>
export type Call = {
  readonly name: string
  readonly args: Args
  end(outcome: Outcome): Promise<void>
}

/** What is durable of a log, as it was appended. `erased`: seqs that were deleted; `due`: of those, what all devices will have deleted. */
export type Written = { epoch: number; readonly written: Entry[]; readonly erased: Set<number>; due: Set<number> }

/** What was deleted by an entry that tells the devices so. */
function toldOf({ erased, written }: Written): Set<number> {
  const told = written.filter((entry) => entry.is === 'deleted')
  const isTold = (entry: Entry | undefined) =>
    entry && told.some(({ chat, from, upTo }) => isErased(entry, chat, from, upTo))
  return new Set([...erased].filter((seq) => isTold(written[seq - 1])))
}

const lifeMethods = ['begin', 'termOf', 'rename']
const writes = new Set(
  ['takeTerm', 'append', 'startTimers', 'erase', 'saveCursors', 'saveGroup', 'noteGroup', 'forgetGroup'].concat(
    'saveLastSeen',
    'saveSettings',
    'saveBan',
    'saveErasure',
    'saveReckoning',
    'expire',
    'begin',
    'rename',
    mediaWrites,
  ),
)

/** Whether nobody changes what is written later. */
const stays = (name: string): boolean => name !== 'saveGroup' && name !== 'saveSettings'

export class Disk {
  calls: Call[] = []
  /** While a node starts each call succeeds at once. */
  prompt = false
  /** What the node is handed. */
  readonly store: Store
  /** What it is handed for media, where the world has some; and what that has. */
  readonly media: MediaStore
  readonly contents = new Contents()
  /** The node that is at work. */
  life: Pick<Life, 'acts' | 'over'> | undefined
  /** What a write met that nobody waited for. */
  readonly faults: unknown[] = []
  logs = new Map<UserId, Written>()
  /** What was ever deleted, by user and message, also where a copy that was put back has it again. */
  readonly everErased = new Set<string>()
  /** Changes of a lifetime that a copy which was put back has of one side only. */
  readonly halfChanged = new Set<MessageId>()
  /** Devices that the store knew when the actor of their user was loaded. */
  readonly known = new Set<string>()
  readonly #cluster: Cluster | null
  #memory = memoryStore()
  /** All writes, in order. */
  #done: { readonly name: string; readonly args: Args }[] = []
  /** What a lap has appended so far, and how many laps have written. */
  #lap: (Call & { readonly done: (failure: unknown) => void })[] = []
  #laps = 0
  #saved: { readonly done: number; readonly logs: Map<UserId, Written> } | undefined

  /** `laps`: it writes once a lap; of three such writes two are done at once, of which one in twelve fails. */
  constructor(replicas: Replicas | null, laps: boolean) {
    this.#cluster = replicas && new Cluster(replicas)
    const names = Object.keys(this.#memory).filter((name) => !['lives', 'open', 'close', 'health'].includes(name))
    const queued = (names: string[]) =>
      Object.fromEntries(names.map((name) => [name, (...args: Args) => this.#call(name, args)]))
    const { open, close, health } = this.#memory
    const media = { ...queued([...mediaCalls]), held: (prefix: string) => this.contents.held(prefix) }
    this.media = { ...media, open, close, begin: open, retentionMs: 30 * 86_400_000 } as unknown as MediaStore
    const lives = replicas ? {} : { lives: queued(lifeMethods) }
    this.store = {
      ...queued(names),
      ...lives,
      ...(laps && { laps: this.#lapStore }),
      open,
      close,
      health,
    } as unknown as Store
  }

  open(): Promise<void> {
    return this.#memory.open()
  }

  /** A log as it is at `now`. */
  entries(user: UserId, now: number): Promise<readonly Entry[]> {
    return this.#memory.read(user, 1, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, now)
  }

  /** The newest of each chat of which there is a history. */
  async past(user: UserId): Promise<Carrier[]> {
    const newest = (await this.#memory.histories(user)).map((chat) => this.#memory.history(user, chat, null, 1, 1))
    return (await Promise.all(newest)).flat()
  }

  lastSeen(user: UserId) {
    return this.#memory.lastSeen(user)
  }

  reads(user: UserId) {
    return this.#memory.reads(user)
  }

  settings(user: UserId) {
    return this.#memory.settings(user)
  }

  /** Copies the store as it is, while the node runs. */
  save(): void {
    this.#saved = { done: this.#done.length, logs: structuredClone(this.logs) }
  }

  /** The node has died; the copy takes the place of the store. False: there is none. */
  async putBack(): Promise<boolean> {
    if (!this.#saved || this.#cluster) return false
    const done = this.#done.slice(0, this.#saved.done)
    this.#lap = []
    this.#memory = memoryStore()
    await this.#memory.open()
    for (const { name, args } of done) await this.#method(name)(...args)
    this.#done = done
    this.logs = structuredClone(this.#saved.logs)
    for (const [user, { written }] of this.logs) for (const entry of written) this.#noteHalf(user, entry)
    // Deletions that were not done yet are undone, or half of them.
    for (const log of this.logs.values()) log.due = toldOf(log)
    return true
  }

  /** Its sender has been told since that it was sent, and does not send it again. */
  #noteHalf(user: UserId, entry: Entry): void {
    if (entry.is !== 'message' || entry.change !== 'lifetime' || entry.from === user) return
    const own = this.logs.get(entry.from)?.written ?? []
    if (!own.some((copy) => copy.is === 'copy' && copy.id === entry.id)) this.halfChanged.add(entry.id)
  }

  /** The node has died: of the writes under way the first are durable, of appends and of all others as many as `landed` says. */
  async die(landed: number): Promise<void> {
    const under = this.calls.filter(({ name }) => writes.has(name))
    this.calls = []
    this.#lap = []
    const left = { appends: landed % 8, others: Math.floor(landed / 8) % 8 }
    for (const { name, args } of under) {
      const line = name === 'append' ? 'appends' : 'others'
      left[line] -= 1
      if (left[line] >= 0) await this.#do(name, args)
      else if (name === 'append') this.#half(args)
    }
  }

  /** Ends one of the calls, or the one of the same kind and user that came before it: of two that write the same the later one counts. */
  end(nth: number, outcome: Outcome): Promise<void> | undefined {
    const chosen = this.calls[nth % Math.max(1, this.calls.length)]
    const at = this.calls.findIndex(({ name, args }) => name === chosen?.name && args[0] === chosen.args[0])
    const [call] = at < 0 ? [] : this.calls.splice(at, 1)
    return call?.end(outcome)
  }

  #method(name: string): Method {
    const isOf = (names: readonly string[]) => names.includes(name)
    const owner = isOf(mediaCalls) ? this.contents : isOf(lifeMethods) ? this.#memory.lives : this.#memory
    return (owner as unknown as Record<string, Method>)[name]?.bind(owner) as Method
  }

  #call(name: string, args: Args): Promise<unknown> {
    if (this.prompt) return this.#do(name, args)
    return new Promise((resolve, reject) => {
      if (!this.life?.over) this.calls.push(this.#pending(name, args, resolve, reject))
    })
  }

  #pending(name: string, args: Args, resolve: (value: unknown) => void, reject: (failure: unknown) => void): Call {
    const end = async (outcome: Outcome) => {
      // On replicas an append without an answer is never whole.
      const done = outcome === 'ok' || (outcome === 'unknown' && !(this.#cluster && name === 'append'))
      if (!done && name === 'append') this.#half(args)
      const value = done ? await this.#do(name, args) : undefined
      if (outcome === 'ok') resolve(value)
      else reject(new StoreError('unavailable', `${name} has no answer`))
    }
    return { name, args, end }
  }

  readonly #lapStore: LapStore = {
    append: (user, epoch, term, entries, done) => {
      const args = [user, epoch, term, entries]
      this.#lap.push({ ...this.#pending('append', args, () => done(undefined), done), done })
    },
    begin: () => this.#begin(),
  }

  /** The node may die before it, and when all is durable, but nobody was told. */
  #begin(): void {
    if (!this.life?.acts()) return
    const lap = this.#lap.splice(0)
    this.#laps += 1
    if (this.#laps % 3 === 0) return void this.calls.push(...lap)
    if (this.#laps % 8 === 7) return this.#fail(lap)
    for (const { name, args } of lap) this.#do(name, args).catch((error) => this.faults.push(error))
    if (!this.life.acts()) return
    for (const { done } of lap) done(undefined)
  }

  /** At once. What it was to write is there, or is not. */
  #fail(lap: readonly Call[]): void {
    const outcome = this.#laps % 16 === 7 ? 'fails' : 'unknown'
    for (const call of lap) call.end(outcome).catch((error) => this.faults.push(error))
  }

  /** The name of the log is there before any of its rows. */
  #half([user, epoch, term, entries]: Args): void {
    if (!this.#cluster) return
    this.#log(user as UserId, epoch as number)
    this.#cluster.append(user as UserId, term as number, entries as Entry[], false)
  }

  async #do(name: string, args: Args): Promise<unknown> {
    await this.#note(name, args)
    if (writes.has(name) && !mediaWrites.includes(name))
      this.#done.push({ name, args: stays(name) ? args : structuredClone(args) })
    return this.#method(name)(...args)
  }

  async #note(name: string, [first, ...rest]: Args): Promise<void> {
    const user = first as UserId
    switch (name) {
      case 'append': {
        const [epoch, term, entries] = rest as [number, number, Entry[]]
        this.#cluster?.append(user, term, entries, true)
        return this.#append(user, epoch, entries)
      }
      case 'rename':
        this.#log(user, 0).epoch = rest[0] as number
        return
      case 'erase':
        return this.#erase(user, ...(rest as [UserId, number, number]))
      case 'read':
        return this.#cluster?.read(user, this.#log(user, 0).written)
      case 'load':
        await this.#know(user)
        return rest[0] === undefined ? undefined : this.#own(user, rest[0] as number)
      case 'takeTerm':
        return this.#cluster?.rise(
          () => this.#memory.takeTerm(),
          (user) => this.#known(user),
        )
    }
  }

  async #know(user: UserId): Promise<void> {
    for (const device of this.#knownDevices(user)) this.known.delete(device)
    for (const { device, seenAt } of (await this.#memory.load(user))?.cursors ?? [])
      if (seenAt !== unwelcomed) this.known.add(`${user} ${device}`)
  }

  #knownDevices(user: UserId): string[] {
    return [...this.known].filter((device) => device.startsWith(`${user} `))
  }

  async #known(user: UserId): Promise<{ acked: number; written: readonly Entry[] }> {
    const cursors = (await this.#memory.load(user))?.cursors ?? []
    return { acked: Math.max(0, ...cursors.map(({ seq }) => seq)), written: this.logs.get(user)?.written ?? [] }
  }

  /** What the owner of a log finds beyond what was durable is durable from now on. */
  async #own(user: UserId, term: number): Promise<void> {
    const { acked, written } = await this.#known(user)
    const found = this.#cluster?.own(user, term, acked, written).slice(written.length) ?? []
    if (found.length === 0) return
    const { epoch } = this.#log(user, 0)
    this.#append(user, epoch, found)
    await this.#memory.append(user, epoch, term, found)
  }

  #log(user: UserId, epoch: number): Written {
    const known = this.logs.get(user) ?? { epoch, written: [], erased: new Set(), due: new Set() }
    this.logs.set(user, known)
    return known
  }

  #append(user: UserId, epoch: number, entries: readonly Entry[]): void {
    const log = this.#log(user, epoch)
    if (log.written.length === 0) log.epoch = epoch
    for (const entry of entries) {
      const known = log.written[entry.seq - 1]
      if (known) expect(known, 'a seq is never given to another entry').toEqual(entry)
      else {
        expect(entry.seq, 'seqs are dense').toBe(log.written.length + 1)
        expect(entry.time).toBeGreaterThanOrEqual(log.written.at(-1)?.time ?? 0)
        log.written.push(entry)
      }
    }
  }

  #erase(user: UserId, chat: UserId, from: number, upTo: number): void {
    const log = this.logs.get(user)
    for (const entry of log?.written ?? []) {
      if (!isErased(entry, chat, from, upTo)) continue
      for (const seqs of [log?.erased, log?.due]) seqs?.add(entry.seq)
      this.everErased.add(`${user} ${entry.id}`)
    }
  }
}
