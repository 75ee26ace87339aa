/** The actors of one kind: those that are present are awake, each with a nact actor, or hibernate as a record. */
import type { Millis } from '../protocol/ids.ts'
import type { Behaviour, Counters, DeadLetter, RuntimeOptions } from './behaviour.ts'
import { shardOf } from './hash.ts'
import type { Actor, Shards } from './nact.ts'
import { type Answer, Release } from './release.ts'
import { Rested } from './rested.ts'
import type { Turns } from './turns.ts'
import type { Wheel } from './wheel.ts'

type Awake<State, Message> = {
  state: State | undefined
  mail: Message[]
  actor: Actor
  /** It has no state that counts: it is being loaded, or it has crashed. Then it has no turn. */
  down: boolean
  /** It waits for its turn, or has it. So it waits once, and in the place of one that crashed in its turn nobody waits. */
  woken: boolean
  /** By the monotonic clock, as the times of the crashes. */
  activeAt: Millis
  crashes: Millis[]
  retried: Message | undefined
}

/** How it is with one actor. */
export type Inspection = {
  readonly path: string | null
  readonly status: 'awake' | 'hibernated' | 'absent'
  readonly mailbox: number
  readonly restarts: number
}

/** What all kinds of actors share. */
type Parts = { readonly shards: Shards; readonly wheel: Wheel; readonly turns: Turns }

/** The actors of one kind: woken by mail, hibernated when idle, and started again from the store when they crash. */
export class Entities<State, Message, Effect = unknown, Known = unknown> {
  readonly #awake = new Map<string, Awake<State, Message>>()
  readonly #resting = new Rested()
  readonly #behaviour: Behaviour<State, Message, Effect, unknown, Known>
  readonly #options: RuntimeOptions
  readonly #parts: Parts
  readonly #counters: Counters
  /** Shards that were released, with the number of that release. */
  readonly #released = new Map<number, number>()
  #releases = 0
  /** Shards whose actors go. */
  readonly #leaving = new Map<number, Release>()
  /** Who is present, by shard: until somebody else is, or this task is over. */
  #present: Map<number, string[]> | undefined

  constructor(
    behaviour: Behaviour<State, Message, Effect, unknown, Known>,
    options: RuntimeOptions,
    parts: Parts,
    counters: Counters,
  ) {
    this.#behaviour = behaviour
    this.#options = options
    this.#parts = parts
    this.#counters = counters
    const sweep = () => {
      this.#hibernate(options.clock.monotonic())
      parts.wheel.after(1_000, sweep)
    }
    parts.wheel.after(1_000, sweep)
  }

  /** Puts a message into the mailbox; false when it is full, and the message was not taken. */
  offer(id: string, message: Message): boolean {
    if ((this.#awake.get(id)?.mail.length ?? 0) >= this.#options.mailbox) {
      this.#counters.overflows += 1
      return false
    }
    this.tell(id, message)
    return true
  }

  /** For results, timers and ends, which are bounded by what was asked for: never refused. */
  tell(id: string, message: Message): void {
    const awake = this.#wake(id)
    awake.mail.push(message)
    awake.activeAt = this.#options.clock.monotonic()
    this.#token(id, awake)
  }

  /** For what is of no use to an actor that is not present. */
  tellIfPresent(id: string, message: Message): void {
    if (this.#awake.has(id) || this.#resting.has(id)) this.tell(id, message)
  }

  /** For what may be lost: taken where the actor is present, and its mailbox is nearly empty. */
  hint(id: string, message: Message): void {
    const waiting = this.#awake.get(id)?.mail.length ?? 0
    if (waiting * 16 < this.#options.mailbox) this.tellIfPresent(id, message)
  }

  after(id: string, ms: number, message: Message): void {
    const asked = this.#releases
    this.#parts.wheel.after(ms, () => {
      // A timer of an actor that was released is nobody's.
      if (asked === this.#releases || (this.#released.get(this.#shardOf(id)) ?? 0) <= asked) this.tell(id, message)
    })
  }

  /** The state as it is now; of an actor that hibernates a copy. */
  peek(id: string): State | undefined {
    const awake = this.#awake.get(id)
    if (awake) return awake.down ? undefined : awake.state
    return this.#resting.has(id) ? this.#behaviour.unpack(id, this.#resting.get(id)) : undefined
  }

  /** The states of those that are awake, which are all that have something to do. */
  *awakeStates(): Generator<State> {
    for (const { state, down } of this.#awake.values()) if (state !== undefined && !down) yield state
  }

  /** What an actor knows at this moment, without a turn of it. */
  query<What extends keyof Known & string>(id: string, what: What): Promise<Known[What]> {
    return this.#behaviour.known[what](id, this.peek(id))
  }

  inspect(id: string): Inspection {
    const awake = this.#awake.get(id)
    if (!awake) return { path: null, status: this.#resting.has(id) ? 'hibernated' : 'absent', mailbox: 0, restarts: 0 }
    const { actor, mail, crashes } = awake
    return { path: actor.path, status: 'awake', mailbox: mail.length, restarts: crashes.length }
  }

  get size(): { readonly present: number; readonly awake: number } {
    return { present: this.#awake.size + this.#resting.size, awake: this.#awake.size }
  }

  /** Whether no actor has mail or anything under way. */
  get quiet(): boolean {
    for (const { state, down, mail } of this.#awake.values())
      if (down || state === undefined || mail.length > 0 || this.#behaviour.rest(state) === 'busy') return false
    return true
  }

  /** Drops the actors of a shard within `mostMs`, with what is unsaved flushed. */
  release(shard: number, mostMs: Millis): Promise<void> {
    return new Promise((resolve) => {
      const gone = () => {
        this.#leaving.delete(shard)
        this.drop(shard)
        resolve()
      }
      const release = new Release({ ids: () => this.#idsOf(shard), mayGo: (id, tells) => this.#mayGo(id, tells), gone })
      this.#leaving.set(shard, release)
      this.#parts.wheel.after(mostMs, () => release.end())
      release.begin()
    })
  }

  /** Drops the actors of a shard as by a crash: nothing is flushed. */
  drop(shard: number): void {
    this.#releases += 1
    this.#released.set(shard, this.#releases)
    for (const id of this.#idsOf(shard)) this.#drop(id)
    this.#behaviour.released?.((id) => this.#shardOf(id) === shard)
    this.#leaving.get(shard)?.end()
  }

  /** All shards at once, of which several go at a time: to look at a million actors takes 0.1 s. */
  #idsOf(shard: number): readonly string[] {
    if (!this.#present) {
      this.#present = new Map()
      for (const ids of [this.#awake.keys(), this.#resting.keys()])
        for (const id of ids) note(this.#present, this.#shardOf(id), id)
      this.#options.clock.soon(() => {
        this.#present = undefined
      })
    }
    return this.#present.get(shard) ?? []
  }

  /** Whoever waits for a message that no actor here is to get is answered. */
  refuse(id: string, message: Message): void {
    this.#deadLetter(id, message, 'released')
  }

  #drop(id: string): void {
    const awake = this.#awake.get(id)
    const [state, mail] = [awake ? awake.state : this.peek(id), awake?.mail ?? []]
    awake?.actor.stop()
    this.#awake.delete(id)
    this.#resting.delete(id)
    for (const message of state === undefined ? mail : this.#behaviour.recover(state, mail))
      this.#deadLetter(id, message, 'released')
  }

  #mayGo(id: string, tells: boolean): Answer {
    const [awake, state] = [this.#awake.get(id), this.peek(id)]
    if (state === undefined || (awake?.mail.length ?? 0) > 0) return awake ? 'waits' : 'goes'
    const leave = this.#behaviour.leave(state)
    if (typeof leave === 'string') return leave
    if (!tells) return 'goes'
    for (const message of leave.tell) this.tell(id, message)
    return 'told'
  }

  /** Something has come to an end for an actor: it may be what its shard waits for. */
  #settled(id: string): void {
    if (this.#leaving.size > 0) this.#leaving.get(this.#shardOf(id))?.look(id)
  }

  #shardOf(id: string): number {
    return shardOf(id, this.#options.shards)
  }

  #wake(id: string): Awake<State, Message> {
    const present = this.#awake.get(id)
    if (present) return present
    const rested = this.#resting.has(id)
    const awake: Awake<State, Message> = {
      state: rested ? this.#behaviour.unpack(id, this.#resting.get(id)) : undefined,
      mail: [],
      actor: this.#spawn(id),
      down: false,
      woken: false,
      activeAt: 0,
      crashes: [],
      retried: undefined,
    }
    this.#awake.set(id, awake)
    this.#resting.delete(id)
    this.#present = undefined
    this.#counters.wakes += 1
    if (!rested) this.#load(id, awake, false)
    return awake
  }

  #spawn(id: string): Actor {
    const supervisor = this.#shardOf(id) % this.#options.supervisors
    const actor = this.#parts.shards.spawn(supervisor, (error) => this.#crashed(id, actor, error))
    return actor
  }

  #token(id: string, awake: Awake<State, Message>): void {
    if (awake.woken || awake.down || awake.mail.length === 0) return
    awake.woken = true
    this.#parts.turns.add(() => this.#turn(id, awake))
  }

  async #load(id: string, awake: Awake<State, Message>, restarted: boolean): Promise<void> {
    awake.down = true
    try {
      const state = await this.#behaviour.load(id)
      if (this.#awake.get(id) !== awake) return
      awake.state = state
    } catch {
      if (this.#awake.get(id) !== awake) return
      this.#leave(id, awake, 'unloadable')
      if (restarted) this.#behaviour.gaveUp(id)
      return
    }
    awake.down = false
    if (restarted) this.#behaviour.restarted(id)
    this.#token(id, awake)
    this.#settled(id)
  }

  /** Answers how many messages it has handled. */
  #turn(id: string, awake: Awake<State, Message>): number {
    // It may have gone while it waited.
    if (this.#awake.get(id) !== awake) return 0
    try {
      const handled = this.#handle(id, awake)
      awake.woken = false
      this.#token(id, awake)
      this.#settled(id)
      return handled
    } catch (error) {
      // From here on what comes back for this state is nobody's, and mail waits for the next.
      awake.down = true
      awake.actor.fail(error)
      return 1
    }
  }

  #handle(id: string, awake: Awake<State, Message>): number {
    this.#counters.turns += 1
    const effects: Effect[] = []
    const now = this.#options.clock.now()
    const count = Math.min(awake.mail.length, this.#options.turn)
    let handled = 0
    let asked = 0
    try {
      for (; handled < count; handled++) {
        awake.state = this.#behaviour.receive(awake.state as State, awake.mail[handled] as Message, now, effects)
        asked = effects.length
      }
    } finally {
      // What the message that crashed the actor had asked for so far does not count.
      effects.length = asked
      // The message that crashed the actor, if one did, is the first that stays.
      if (handled < awake.mail.length) awake.mail.splice(0, handled)
      else awake.mail = []
      this.#counters.messages += handled
      // What earlier messages of this turn asked for is done, also when a later one crashed the actor.
      this.#behaviour.perform(id, effects)
    }
    return handled
  }

  /**
   * The first message in line crashed the actor: it is tried once more on a fresh state, unless it says nothing to the next life,
   * then put aside. Nothing else that waits is lost.
   */
  #crashed(id: string, actor: Actor, cause: unknown): void {
    const { kind } = this.#behaviour
    this.#options.crashed(new Error(`the ${kind} ${id} crashed: ${cause}`, { cause }))
    const awake = this.#awake.get(id)
    // It may have gone since.
    if (awake?.actor !== actor) return
    this.#counters.restarts += 1
    const now = this.#options.clock.monotonic()
    awake.crashes = [...awake.crashes.filter((at) => now - at < this.#options.restartsMs), now]
    awake.woken = false
    const culprit = awake.mail[0]
    if (awake.state !== undefined) awake.mail = this.#behaviour.recover(awake.state, awake.mail)
    if (awake.crashes.length > this.#options.restarts) {
      this.#leave(id, awake, 'gave up')
      return this.#behaviour.gaveUp(id)
    }
    const again = culprit === undefined ? -1 : awake.mail.indexOf(culprit)
    if (again >= 0 && awake.retried === culprit) {
      awake.mail.splice(again, 1)
      this.#deadLetter(id, culprit as Message, 'poison')
    }
    awake.retried = again >= 0 ? culprit : undefined
    awake.state = undefined
    awake.actor = this.#spawn(id)
    void this.#load(id, awake, true)
  }

  #deadLetter(id: string, message: Message, reason: DeadLetter): void {
    this.#counters.deadLetters += 1
    this.#behaviour.deadLetter(id, message, reason)
  }

  #leave(id: string, awake: Awake<State, Message>, reason: 'unloadable' | 'gave up'): void {
    if (reason === 'unloadable') awake.actor.stop()
    this.#awake.delete(id)
    for (const message of awake.mail) this.#deadLetter(id, message, reason)
    this.#settled(id)
  }

  #hibernate(now: Millis): void {
    for (const [id, awake] of this.#awake) {
      if (awake.state === undefined || awake.mail.length > 0 || awake.woken) continue
      if (now - awake.activeAt < this.#options.idleMs) continue
      const rest = this.#behaviour.rest(awake.state)
      if (rest === 'busy') continue
      awake.actor.stop()
      this.#awake.delete(id)
      this.#counters.hibernations += 1
      if (rest === 'drop') continue
      this.#resting.add(id, this.#behaviour.pack(awake.state), rest === 'spare')
    }
    this.#resting.trim(this.#options.spares)
  }
}

function note(lists: Map<number, string[]>, of: number, id: string): void {
  const list = lists.get(of)
  if (list) list.push(id)
  else lists.set(of, [id])
}
