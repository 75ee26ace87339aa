/** One start of a node: the machine and the gate of src/cluster, on clocks that go wrong, in a process that may stand still at any moment. */
import { Gate, type Passage, passage } from '../../../src/cluster/gate.ts'
import { newMember, receive } from '../../../src/cluster/member.ts'
import type { Former, Gone, MemberEffect, MemberMessage, MemberState, StoreWish } from '../../../src/cluster/types.ts'
import { never } from '../../../src/protocol/never.ts'
import type { Times } from '../../../src/runtime/clock.ts'
import { Owner } from './owner.ts'
import type { Access } from './rows.ts'
import type { Ground, Node, Owning } from './types.ts'

/** The clocks of a machine. They go on when the process does not. */
export class Clocks {
  rate = 1
  /** Real time by the monotonic clock, which stands still while the machine sleeps. */
  monotonic: number
  offMs: number
  asleep = false

  constructor(monotonic: number, offMs: number) {
    this.monotonic = monotonic
    this.offMs = offMs
  }

  pass(ms: number): void {
    if (!this.asleep) this.monotonic += ms * this.rate
  }
}

type Call = { readonly until: number; readonly fail: () => void; open: boolean }

export class Process implements Node {
  readonly world: Ground
  readonly name: string
  readonly life: number
  readonly state: MemberState
  readonly gate: Gate
  readonly owners = new Map<number, Owning>()
  readonly clocks: Clocks
  /** What has come and waits until the process goes on. */
  #box: (() => void)[] = []
  #calls: Call[] = []
  /** What it wants of its host besides. */
  readonly said: string[] = []
  pausedUntil = 0
  over = false
  cutOff = false

  constructor(world: Ground, name: string, life: number, former: Former, clocks: Clocks) {
    this.world = world
    this.name = name
    this.life = life
    this.clocks = clocks
    this.state = newMember({ life, name, state: 'up', dc: 'dc1', link: `${name}:1`, proto: 1 }, former)
    this.gate = new Gate((shard, term) => this.passage(shard, term))
  }

  get times(): Times {
    const times = { monotonic: this.clocks.monotonic, now: 1e9 + this.world.queue.now + this.clocks.offMs }
    return this.world.mutant.at?.(times) ?? times
  }

  passage(shard: number, term: number): Passage {
    const { mutant, timings } = this.world
    const real = passage(this.state, shard, term, this.times, timings.leaseMs)
    return mutant.passage?.(real, this, shard, term) ?? real
  }

  stamp(term: number, count: number): number {
    return this.world.mutant.stamp?.(this, count) ?? term * 2 ** 20 + count
  }

  /** Everything that has come is heeded, and what is due is done. */
  step(): void {
    if (this.over || this.pausedUntil > this.world.queue.now) return
    for (const heed of this.#box.splice(0)) {
      if (this.over) return
      heed()
    }
    for (const call of this.#calls) if (call.open && call.until <= this.clocks.monotonic) call.fail()
    this.#calls = this.#calls.filter(({ open }) => open)
    this.tell({ is: 'tick' })
    const gone: Gone[] = []
    for (const [shard, owner] of this.owners) {
      if (!owner.look()) continue
      this.owners.delete(shard)
      const term = this.state.spells.get(shard)?.term
      if (term !== undefined) gone.push({ shard, term })
    }
    if (gone.length > 0) this.tell({ is: 'yielded', gone })
  }

  tell(message: MemberMessage): void {
    if (this.over) return
    const effects: MemberEffect[] = []
    receive(this.state, message, { at: this.times, timings: this.world.timings, effects })
    for (const effect of effects) this.#perform(this.world.mutant.effect?.(effect) ?? effect)
  }

  /** Comes when the process goes on. */
  deliver(heed: () => void): void {
    if (!this.over) this.#box.push(heed)
  }

  /** Asks Cassandra: the request is late or lost, and so is the answer; after `timeoutMs` nothing is known. */
  ask<T>(request: () => Access<T>, timeoutMs: number, heed: (answer: T | 'unknown') => void): void {
    const end = (answer: T | 'unknown') => {
      if (!call.open) return
      call.open = false
      heed(answer)
    }
    const call: Call = { until: this.clocks.monotonic + timeoutMs, open: true, fail: () => end('unknown') }
    this.#calls.push(call)
    const { queue } = this.world
    const way = () => this.world.way(this)
    const there = way()
    if (there === null) return
    queue.after(there, () => {
      const { answer, known } = request()
      const back = way()
      if (back === null) return
      queue.after(back, () =>
        this.deliver(() => {
          if (call.open) known()
          end(answer)
        }),
      )
    })
  }

  /** Asks the store what it was asked. */
  #wish<T>(wish: StoreWish, request: () => Access<T>, message: (answer: T) => MemberMessage): void {
    const timeoutMs = wish.do === 'renew' ? wish.timeoutMs : 2_000
    this.ask(request, timeoutMs, (answer) => {
      if (answer === 'unknown' && wish.do === 'move') this.world.mutant.unknown?.(this)
      this.tell(answer === 'unknown' ? { is: 'unknown', wish } : message(answer))
    })
  }

  #perform(effect: MemberEffect): void {
    const { rows } = this.world
    const { life } = this
    switch (effect.do) {
      case 'renew': {
        const { beat, first } = effect
        return this.#wish(
          effect,
          () => rows.renew(life, beat, first),
          (row) => ({ is: 'renewed', beat, row }),
        )
      }
      case 'lives':
        return this.#wish(
          effect,
          () => rows.lives(effect.lives),
          (found) => ({ is: 'lives', asked: effect.lives, rows: found }),
        )
      case 'mark':
        return this.#wish(
          effect,
          () => rows.mark(effect.life, effect.beat),
          (row) => ({ is: 'marked', life: effect.life, row }),
        )
      case 'members':
        return this.#wish(
          effect,
          () => rows.members(),
          (members) => ({ is: 'members', members }),
        )
      case 'change': {
        const { view, join, leave } = effect.change
        return this.#wish(
          effect,
          () => rows.change(view, join, leave),
          (ok) => ({ is: 'changed', change: effect.change, ok }),
        )
      }
      case 'shards':
        return this.#wish(
          effect,
          () => rows.shards(),
          (found) => ({ is: 'shards', rows: found }),
        )
      case 'move':
        return this.#wish(
          effect,
          () => rows.move(effect.moves),
          (found) => ({ is: 'moved', part: effect.part, rows: found }),
        )
      case 'take':
        this.world.taken(this, effect.shard, effect.term)
        return void this.owners.set(effect.shard, new Owner(this, effect.shard, effect.term))
      case 'yield':
        return this.owners.get(effect.shard)?.yield()
      case 'drop':
        return this.#drop(effect.shard)
      case 'tell':
        return this.world.spread(this, { is: 'heard', rows: effect.rows })
      case 'learned':
        return
      case 'heed':
        return this.gate.open()
      case 'emptied':
        return this.deliver(() => this.tell({ is: 'closed' }))
      case 'become':
        this.said.push(effect.standing)
        return
      case 'away':
        this.said.push(effect.do)
        return
      case 'refused':
        this.said.push(`refused: ${effect.why}`)
        return this.end()
      case 'left':
      case 'fenced':
        this.said.push(effect.do)
        return this.end()
      default:
        return never(effect)
    }
  }

  #drop(shard: number): void {
    const owner = this.owners.get(shard)
    if (owner) owner.gone = true
    this.owners.delete(shard)
    this.gate.open()
  }

  /** The process ends. What it has asked for may still happen. */
  end(): void {
    this.over = true
    for (const owner of this.owners.values()) owner.gone = true
    this.world.ended(this)
  }
}
