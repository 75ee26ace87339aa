/** The actors of one kind: records of those that are present, each with a nact actor while it is awake. */
import type { Millis } from '../protocol/ids.ts'
import type { Behaviour, Counters, RuntimeOptions } from './behaviour.ts'
import type { Actor, Shards } from './nact.ts'
import type { Wheel } from './wheel.ts'

type Awake<Message> = {
  mail: Message[]
  actor: Actor
  loading: boolean
  woken: boolean
  activeAt: Millis
  crashes: number[]
  retried: Message | undefined
}
type Entity<State, Message> = { state: State | undefined; awake: Awake<Message> | null }

export type Inspection = {
  readonly path: string | null
  readonly status: 'awake' | 'hibernated' | 'absent'
  readonly mailbox: number
  readonly restarts: number
}

export class Entities<State, Message, Effect = unknown> {
  readonly #present = new Map<string, Entity<State, Message>>()
  readonly #awake = new Set<string>()
  /** Hibernated and spare, those that rest for longest first. */
  readonly #spare = new Set<string>()
  readonly #behaviour: Behaviour<State, Message, Effect>
  readonly #options: RuntimeOptions
  readonly #shards: Shards
  readonly #wheel: Wheel
  readonly #counters: Counters

  constructor(
    behaviour: Behaviour<State, Message, Effect>,
    options: RuntimeOptions,
    shards: Shards,
    wheel: Wheel,
    counters: Counters,
  ) {
    this.#behaviour = behaviour
    this.#options = options
    this.#shards = shards
    this.#wheel = wheel
    this.#counters = counters
    const sweep = () => {
      this.#hibernate(Date.now())
      wheel.after(1_000, sweep)
    }
    wheel.after(1_000, sweep)
  }

  /** Puts a message into the mailbox; false when it is full, and the message was not taken. */
  offer(id: string, message: Message): boolean {
    const waiting = this.#present.get(id)?.awake?.mail.length ?? 0
    if (waiting >= this.#options.mailbox) {
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
    awake.activeAt = Date.now()
    this.#token(awake)
  }

  tellIfPresent(id: string, message: Message): void {
    if (this.#present.has(id)) this.tell(id, message)
  }

  after(id: string, ms: number, message: Message): void {
    this.#wheel.after(ms, () => this.tell(id, message))
  }

  peek(id: string): State | undefined {
    return this.#present.get(id)?.state
  }

  inspect(id: string): Inspection {
    const entity = this.#present.get(id)
    if (!entity?.awake) return { path: null, status: entity ? 'hibernated' : 'absent', mailbox: 0, restarts: 0 }
    const { actor, mail, crashes } = entity.awake
    return { path: actor.path, status: 'awake', mailbox: mail.length, restarts: crashes.length }
  }

  get size(): { readonly present: number; readonly awake: number } {
    return { present: this.#present.size, awake: this.#awake.size }
  }

  /** Whether no actor has mail or anything under way. */
  get quiet(): boolean {
    for (const id of this.#awake) {
      const entity = this.#present.get(id)
      if (!entity?.state || (entity.awake?.mail.length ?? 0) > 0 || this.#behaviour.rest(entity.state) === 'busy')
        return false
    }
    return true
  }

  #wake(id: string): Awake<Message> {
    const entity = this.#present.get(id) ?? { state: undefined, awake: null }
    if (entity.awake) return entity.awake
    this.#present.set(id, entity)
    this.#awake.add(id)
    this.#spare.delete(id)
    this.#counters.wakes += 1
    const awake: Awake<Message> = {
      mail: [],
      actor: this.#spawn(id),
      loading: false,
      woken: false,
      activeAt: 0,
      crashes: [],
      retried: undefined,
    }
    entity.awake = awake
    if (entity.state === undefined) this.#load(id, entity, awake, false)
    return awake
  }

  #spawn(id: string): Actor {
    return this.#shards.spawn(
      hash(id) % this.#options.shards,
      () => this.#turn(id),
      () => this.#crashed(id),
    )
  }

  #token(awake: Awake<Message>): void {
    if (awake.woken || awake.loading || awake.mail.length === 0) return
    awake.woken = true
    awake.actor.wake()
  }

  async #load(id: string, entity: Entity<State, Message>, awake: Awake<Message>, restarted: boolean): Promise<void> {
    awake.loading = true
    try {
      entity.state = await this.#behaviour.load(id)
    } catch {
      return this.#leave(id, entity, awake, 'unloadable')
    }
    awake.loading = false
    if (restarted) this.#behaviour.restarted(id)
    this.#token(awake)
  }

  #turn(id: string): void {
    const entity = this.#present.get(id)
    const awake = entity?.awake
    if (!entity || !awake || entity.state === undefined) return
    awake.woken = false
    this.#counters.turns += 1
    const effects: Effect[] = []
    try {
      for (let left = this.#options.turn; left > 0 && awake.mail.length > 0; left--) {
        const next = this.#behaviour.receive(entity.state, awake.mail[0] as Message, Date.now())
        entity.state = next.state
        for (const effect of next.effects) effects.push(effect)
        awake.mail.shift()
        this.#counters.messages += 1
      }
    } finally {
      // What earlier messages of this turn asked for is done, also when a later one crashed the actor.
      this.#behaviour.perform(id, effects)
    }
    this.#token(awake)
  }

  /** The first message in line crashed the actor: it is tried once more on a fresh state, then put aside. Nothing else that waits is lost. */
  #crashed(id: string): void {
    const entity = this.#present.get(id)
    const awake = entity?.awake
    if (!entity || !awake) return
    this.#counters.restarts += 1
    const now = Date.now()
    awake.crashes = [...awake.crashes.filter((at) => now - at < this.#options.restartsMs), now]
    awake.woken = false
    const culprit = awake.mail[0]
    if (entity.state !== undefined) awake.mail = this.#behaviour.recover(entity.state, awake.mail)
    if (awake.crashes.length > this.#options.restarts) {
      this.#leave(id, entity, awake, 'gave up')
      return this.#behaviour.gaveUp(id)
    }
    if (culprit !== undefined && awake.retried === culprit) {
      awake.mail.splice(awake.mail.indexOf(culprit), 1)
      this.#deadLetter(id, culprit, 'poison')
    }
    awake.retried = culprit
    entity.state = undefined
    awake.actor = this.#spawn(id)
    void this.#load(id, entity, awake, true)
  }

  #deadLetter(id: string, message: Message, reason: 'poison' | 'unloadable' | 'gave up'): void {
    this.#counters.deadLetters += 1
    this.#behaviour.deadLetter(id, message, reason)
  }

  #leave(id: string, entity: Entity<State, Message>, awake: Awake<Message>, reason: 'unloadable' | 'gave up'): void {
    if (reason === 'unloadable') awake.actor.stop()
    this.#present.delete(id)
    this.#awake.delete(id)
    entity.awake = null
    for (const message of awake.mail) this.#deadLetter(id, message, reason)
  }

  #hibernate(now: Millis): void {
    for (const id of this.#awake) {
      const entity = this.#present.get(id)
      const awake = entity?.awake
      if (!entity || !awake || entity.state === undefined || awake.mail.length > 0 || awake.woken) continue
      if (now - awake.activeAt < this.#options.idleMs) continue
      const rest = this.#behaviour.rest(entity.state)
      if (rest === 'busy') continue
      awake.actor.stop()
      entity.awake = null
      this.#awake.delete(id)
      this.#counters.hibernations += 1
      if (rest === 'drop') this.#present.delete(id)
      else this.#behaviour.hibernate(entity.state)
      if (rest === 'spare') this.#spare.add(id)
    }
    for (const id of this.#spare) {
      if (this.#spare.size <= this.#options.spares) break
      this.#spare.delete(id)
      this.#present.delete(id)
    }
  }
}

function hash(id: string): number {
  let hash = 2_166_136_261
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 16_777_619)
  return hash >>> 0
}
