import type { Millis } from '../protocol/ids.ts'
import { type Clock, systemClock } from './clock.ts'
import type { LapOptions } from './turns.ts'

/**
 * Why a message was not handled. `poison`: it crashed the actor twice; `unloadable`: the store did not answer; `gave up`: too many
 * restarts; `released`: the actor's shard was given up here.
 */
export type DeadLetter = 'poison' | 'unloadable' | 'gave up' | 'released'

/**
 * `waits`: for what the store was asked to write. `tell`: by these it saves what is unsaved. `goes`: what it forgets now is repeated to
 * its next life, as after a crash.
 */
type Leave<Message> = 'waits' | 'goes' | { readonly tell: readonly Message[] }

/** What the runtime must know of one kind of actor. */
export interface Behaviour<State, Message, Effect, Kept = unknown, Known = unknown> {
  readonly kind: string
  /** Brings an actor's state from the store: at its first message, and after a crash. */
  load(id: string): State | Promise<State>
  /** `now`: the time of day. Answers the next state, and adds what is to be done to `effects`: one list for all messages of a turn saves one for each. */
  receive(state: State, message: Message, now: Millis, effects: Effect[]): State
  /** Performs the effects of one turn, in order. */
  perform(id: string, effects: readonly Effect[]): void
  /** May it hibernate? `keep`: its record must stay; `spare`: it stays while there is room; `drop`: it goes. */
  rest(state: State): 'busy' | 'keep' | 'spare' | 'drop'
  /** What stays of an actor that hibernates. Of a user it is text: a million of them cost little memory, and the collector nothing. */
  pack(state: State): Kept
  unpack(id: string, kept: Kept): State
  /** Its shard is given up: may it go? Asked again after each of its turns. */
  leave(state: State): Leave<Message>
  /** Others wait for its answers: when a shard is given up it goes when they have gone. */
  readonly goesLast?: true
  /** Those of a shard have been given up here: nothing that they left is to be done any more. */
  released?(isOf: (id: string) => boolean): void
  deadLetter(id: string, message: Message, reason: DeadLetter): void
  /** What can be asked of what it knows: answered by the state, or by the store where the actor is not present, or is being loaded. */
  readonly known: { readonly [What in keyof Known]: (id: string, state: State | undefined) => Promise<Known[What]> }
  /** The mail of the next life of an actor that crashed. The message that crashed it is the first, and stays as it is where it stays: then it is tried once more. */
  recover(state: State, mail: readonly Message[]): Message[]
  /** It crashed, and is fresh from the store. */
  restarted(id: string): void
  /** It crashed more than `restarts` times within `restartsMs`, or could not be loaded after a crash. */
  gaveUp(id: string): void
}

/** How many actors a runtime has room for, and what it does with those that are idle or crash. */
export type RuntimeOptions = LapOptions & {
  /** Slices of the ids: the unit in which actors are released. */
  readonly shards: number
  /** Supervisors: each has every so many shards. */
  readonly supervisors: number
  /** Messages that wait for one actor; `offer` refuses more. */
  readonly mailbox: number
  /** Messages of one turn. */
  readonly turn: number
  /** Idle time in ms after which an actor hibernates. */
  readonly idleMs: number
  /** Spare records: hibernated actors of which the store knows everything. Each saves the reads of a wake. */
  readonly spares: number
  readonly restarts: number
  readonly restartsMs: number
  readonly clock: Clock
  /** Hears of a crash: which actor it was, and its error as the cause. */
  readonly crashed: (error: Error) => void
}

export const defaultRuntimeOptions: RuntimeOptions = {
  shards: 1_024,
  supervisors: 256,
  mailbox: 2_048,
  turn: 128,
  lap: 1_024,
  lapMs: 2,
  write: () => {},
  idleMs: 5_000,
  spares: 50_000,
  restarts: 3,
  restartsMs: 5_000,
  clock: systemClock,
  crashed: () => {},
}

/** What a runtime has done since it began, for operators and tests. */
export type Counters = {
  messages: number
  /** Turns: a turn handles all mail of one actor, up to `turn` messages. */
  turns: number
  wakes: number
  hibernations: number
  restarts: number
  deadLetters: number
  overflows: number
}
