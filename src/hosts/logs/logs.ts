/**
 * Hosts the logs of actors: users' inboxes, or what was said in groups. All that an actor asks of the store for its log goes through
 * here, and what comes of it comes back here.
 *
 *     const logs = new Logs(context, { peek: (id) => users.peek(id), tell: (id, message) => users.tell(id, message), … })
 *     logs.perform(id, effects, (effect) => …)   // what is not the log's
 *     logs.bring(id, history(…))                 // the store's answer to that
 */
import type { NodeRouter } from '../../../actors/addresses.ts'
import type { LogEffect as Asked, Incoming, LogAnswer } from '../../../actors/log/types.ts'
import type { UserEffect } from '../../../actors/user/effects.ts'
import type { UserMessage } from '../../../actors/user/messages.ts'
import type { Timed } from '../../embed/events.ts'
import type { OnFault } from '../../embed/faults.ts'
import type { NodeEvents } from '../../embed/hooks.ts'
import type { Holds } from '../../media/holds.ts'
import type { Entry } from '../../protocol/entry.ts'
import type { UserId } from '../../protocol/ids.ts'
import type { DeadLetter, Runtime } from '../../runtime/index.ts'
import type { InboxRecord, LifeStore, LogStore, Store } from '../../store/contract.ts'
import { Outdone } from '../../store/error.ts'
import type { Calendar } from '../calendar.ts'
import type { SessionPort } from '../ports.ts'
import { counting, type Spell, type SpellOf } from '../spells.ts'
import { type Append, Appends } from './appends.ts'
import { type Lookup, lookUp } from './lookups.ts'

/** What an actor asks for its log, whatever it is besides. */
export type LogEffect =
  | Lookup
  | Extract<Asked, { do: 'append' }>
  | Extract<UserEffect, { do: 'answer' | 'accepted' | 'stands' }>

export type LogContext = {
  readonly runtime: Pick<Runtime, 'turns' | 'wheel'>
  readonly spellOf: SpellOf<LogStore & LifeStore & Pick<Store, 'laps'>>
  readonly router: NodeRouter
  readonly sessions: SessionPort
  readonly events: NodeEvents
  readonly holds: Holds
  readonly calendar: Calendar
  readonly onFault: OnFault
  readonly timed?: Timed | undefined
  readonly follower?: Follower | undefined
  /** Is told how many entries were read for a reader. */
  readonly replayed?: ((entries: number) => void) | undefined
}

/** What is to follow, durably, from what stands in a log. */
export interface Follower {
  /** Entries are durable; `done` is called once, with undefined when what follows from them is: before that they count as not appended. */
  appended(id: UserId, epoch: number, entries: readonly Entry[], done: (failure: unknown) => void): void
  /** An actor starts with what the store has: after a crash what follows from the last of it may be missing. */
  loaded(id: UserId, record: InboxRecord): Promise<void>
}

/** The actors that have the logs. */
export type Owners<Message> = {
  /** What an actor is in this life; another after a crash. */
  peek(id: UserId): unknown
  tell(id: UserId, message: Message | LogAnswer): void
  /** What is to be durable before anything is appended; undefined: it is. */
  before?(id: UserId): Promise<void> | undefined
}

export class Logs<Message, Other extends { readonly do: string }> {
  readonly #context: LogContext
  readonly #owners: Owners<Message>
  readonly #appends: Appends

  constructor(context: LogContext, owners: Owners<Message>) {
    this.#context = context
    this.#owners = owners
    this.#appends = new Appends(
      (id, epoch, entries, done) => {
        const end = context.timed?.(id, entries.length)
        this.#write(id, epoch, entries, (failure) => {
          end?.()
          done(failure === undefined)
          if (failure !== undefined) context.onFault({ where: 'store', error: failure })
        })
      },
      (ms, run) => context.runtime.wheel.after(ms, run),
    )
  }

  /** At the end of this lap, where nothing has to be durable before and the store writes so: then no promise stands between. */
  #write(id: UserId, epoch: number, entries: readonly Entry[], end: (failure: unknown) => void): void {
    const { holds, runtime, follower } = this.#context
    const spell = this.#spell(id)
    // What waited while its log became another node's: its actor goes, and nobody is answered.
    if (spell instanceof Error) return void Promise.resolve(spell).then(end)
    const { store, term } = spell
    const done: typeof end = follower
      ? (failure) => (failure === undefined ? follower.appended(id, epoch, entries, end) : end(failure))
      : end
    const before = this.#owners.before?.(id)
    if (store.laps && !before && !holds.concern(entries)) {
      store.laps.append(id, epoch, term, entries, done)
      return runtime.turns.write()
    }
    const write = async () => {
      await before
      await holds.append(id, entries, () => store.append(id, epoch, term, entries))
    }
    write().then(
      () => done(undefined),
      (failure) => done(failure ?? new Error('the store gave no reason')),
    )
  }

  #spell(id: UserId): ReturnType<LogContext['spellOf']> | Error {
    try {
      return this.#context.spellOf(id)
    } catch (error) {
      return error as Error
    }
  }

  /** What the store has of a log, for an actor that starts: when nothing of its former life is under way, and nothing has an outcome that is not known. */
  async load(id: UserId): Promise<InboxRecord | undefined> {
    const { spellOf, follower } = this.#context
    const spell = spellOf(id)
    await this.#appends.allLanded(id)
    const record = await counting(
      spell,
      spell.store.load(id, spell.term).catch((error) => {
        if (error instanceof Outdone) spell.outdone?.(error.term)
        throw error
      }),
    )
    if (record) await follower?.loaded(id, record)
    return record
  }

  /** What waits to be appended along with something else waits no more: its actor is to go. */
  hurry(id: UserId): void {
    this.#appends.hurry(id)
  }

  /** This node has these logs no more. */
  forget(isOf: (id: UserId) => boolean): void {
    this.#appends.forget(isOf)
  }

  /** Performs what an actor asks for, in order; what it appends in one turn goes together. `other` performs what is not the log's. */
  perform(id: UserId, effects: readonly (LogEffect | Other)[], other: (effect: Other) => void): void {
    const entries: Entry[] = []
    let epoch = 0
    let lazy = true
    for (const effect of effects) {
      if (!isOfLog(effect)) other(effect)
      else if (effect.do === 'append') {
        entries.push(...effect.entries)
        epoch = effect.epoch
        lazy &&= effect.lazy
      } else this.#perform(id, effect)
    }
    if (entries.length > 0) this.#append(id, { epoch, entries, lazy })
  }

  #perform(id: UserId, effect: Exclude<LogEffect, { do: 'append' }>): void {
    const { router, sessions, events, spellOf, calendar } = this.#context
    switch (effect.do) {
      case 'answer':
        return router.answer(effect.ticket, effect.answer)
      case 'accepted':
        return events.accepted(id, effect)
      case 'stands':
        return sessions.push(effect.session, ['stands', id, effect.epoch, effect.life, effect.upTo, effect.now])
      case 'fetch':
        return void this.bring(id, this.#page(id, effect))
      default:
        return void this.bring(id, lookUp(spellOf(id).store, calendar, id, effect))
    }
  }

  async #page(id: UserId, effect: Extract<LogEffect, { do: 'fetch' }>): Promise<LogAnswer> {
    const { spellOf, calendar, replayed } = this.#context
    const page = await lookUp(spellOf(id).store, calendar, id, effect)
    if (page.is === 'page') replayed?.(page.entries?.length ?? 0)
    return page
  }

  #append(id: UserId, append: Append): void {
    const [life, spell] = [this.#owners.peek(id), this.#context.spellOf(id)]
    this.#appends.add(id, append, (is, first, last) => this.#hand(id, life, spell, { is, first, last }))
  }

  /** Brings an actor the answer of the store, which never rejects: it says where the store did not answer. */
  async bring(id: UserId, answer: Promise<Message | LogAnswer>): Promise<void> {
    const [life, spell] = [this.#owners.peek(id), this.#context.spellOf(id)]
    this.#hand(id, life, spell, await answer)
  }

  /**
   * The one place between durable and answered: only by what is handed over here does an actor answer, push, or ask for more. Who
   * owns a log by a lease looks at it here, after the store has answered: what comes while it may have run out waits, and
   * what comes after the log was given away goes.
   */
  #hand(id: UserId, life: unknown, { heed }: Spell<unknown>, message: Message | LogAnswer): void {
    if (heed) heed(() => this.#tell(id, life, message))
    else this.#tell(id, life, message)
  }

  /** A restarted actor has read what landed, and has asked anew: its former life's result is news to nobody. */
  #tell(id: UserId, life: unknown, message: Message | LogAnswer): void {
    if (this.#owners.peek(id) === life) this.#owners.tell(id, message)
  }

  /** Answers whoever waits for a message that was not handled; false: it is not the log's. */
  deadLetter(id: UserId, message: { readonly is: string }, reason: DeadLetter): boolean {
    const { router, sessions } = this.#context
    if (isAsked(message))
      router.answer(message.ticket, { is: 'refused', code: reason === 'poison' ? 'failed' : 'busy' })
    else if (isStand(message)) sessions.push(message.session, ['error', 'busy', message.is, id, 0, ''])
    else return false
    return true
  }
}

const ofLog: { readonly [Do in LogEffect['do']]: true } = {
  append: true,
  rename: true,
  find: true,
  fetch: true,
  save: true,
  start: true,
  answer: true,
  accepted: true,
  stands: true,
}
const isOfLog = (effect: { readonly do: string }): effect is LogEffect => Object.hasOwn(ofLog, effect.do)

type Stand = Extract<UserMessage, { is: 'stand' }>
const isAsked = (message: { readonly is: string }): message is Incoming =>
  message.is === 'deliver' || message.is === 'copy'
const isStand = (message: { readonly is: string }): message is Stand => message.is === 'stand'
