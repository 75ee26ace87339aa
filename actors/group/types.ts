/** What a group actor is told, what it keeps, and what it asks of its host. */
import type { ErrorCode } from '../../src/protocol/codes.ts'
import type { Entry } from '../../src/protocol/entry.ts'
import type { Typing } from '../../src/protocol/frames.ts'
import type { GroupId, Seq, UserId } from '../../src/protocol/ids.ts'
import type { Lifetime } from '../../src/protocol/lifetime.ts'
import type { GroupMember, GroupRecord } from '../../src/store/contract.ts'
import type { Step } from '../lanes.ts'
import type {
  Accepted,
  Deliver,
  LogAnswer,
  LogEffect,
  LogEvent,
  LogLimits,
  LogState,
  LogTimer,
  LogTurn,
  Origin,
  Reader,
  ReaderRef,
  Ticket,
} from '../log/types.ts'
import type { SessionRef } from '../session/ref.ts'
import type { Turn } from '../turn.ts'
import type { UserEffect } from '../user/effects.ts'
import type { UserMessage } from '../user/messages.ts'

export type Message = Extract<Entry, { is: 'message' }>
export type GroupMessage =
  /** A message or a change from a user, for everybody in the group. */
  | Deliver
  /** Answers to what the group's log asked for. */
  | LogAnswer
  | Extract<UserMessage, { is: 'stand' }>
  | { readonly is: 'timer'; readonly timer: GroupTimer }
  /** Members' actors have answered copies. Together: a large group gets a thousand answers to each of its messages. */
  | { readonly is: 'fanned'; readonly copies: readonly Fanned[] }
  /** From a member's actor: how far it has acknowledged and read the group's log. */
  | Extract<UserMessage, { is: 'receipt' | 'receipted' }>
  | { readonly is: 'recorded'; readonly ok: boolean }
  /** The answer to `consult`: who may be added without being asked; null: the store did not answer. */
  | { readonly is: 'consulted'; readonly ticket: Ticket; readonly open: readonly UserId[] | null }
  /** Who is in the group, or who has what of a message: asked by a member's session. */
  | { readonly is: 'members'; readonly session: SessionRef; readonly by: UserId }
  | { readonly is: 'ticks'; readonly session: SessionRef; readonly by: UserId; readonly at: Seq }
  /** A member's session has the chat open, or no longer; and what the member does there. */
  | { readonly is: 'watch'; readonly session: SessionRef; readonly by: UserId }
  | { readonly is: 'unwatch'; readonly session: SessionRef }
  | { readonly is: 'typing'; readonly by: UserId; readonly what: Typing }
  /** The node has started and this group may have copies that are not with every member. */
  | { readonly is: 'resume' }

/** A member's actor has answered a copy. */
export type Fanned = { readonly link: LinkRef; readonly step: Step; readonly answer: Accepted }

/** Names a link, by a name that no other has, also of a former life: what was meant for that means nothing here. */
export type LinkRef = string

type LinkOrigin = Extract<Origin, { is: 'link' }>

export type GroupTimer = LogTimer | { readonly link: LinkRef } | 'record' | 'ticks' | 'retell'

export type GroupEffect =
  | LogEffect
  /** The answers that a user gives, too, and what it says of its inbox. */
  | Extract<UserEffect, { do: 'answer' | 'accepted' | 'stands' }>
  | { readonly do: 'after'; readonly ms: number; readonly timer: GroupTimer }
  /** A copy for a member's inbox; answered by `fanned`. */
  | {
      readonly do: 'fan'
      readonly link: LinkOrigin
      readonly epoch: number
      readonly member: UserId
      readonly entry: Message
      readonly step: Step
      readonly again: boolean
    }
  | {
      readonly do: 'tell'
      readonly user: UserId
      readonly message: Extract<UserMessage, { is: 'receipt' | 'receipted' }>
    }
  /** Who of these lets `by` add them to groups? Answered by `consulted`. */
  | { readonly do: 'consult'; readonly ticket: Ticket; readonly by: UserId; readonly users: readonly UserId[] }
  /** Keep name and members as of `seq`; answered by `recorded`. */
  | { readonly do: 'record'; readonly record: GroupRecord }
  | ({ readonly do: 'members'; readonly session: SessionRef } & KnownGroup)
  | {
      readonly do: 'ticks'
      readonly session: SessionRef
      readonly at: Seq
      readonly delivered: readonly UserId[]
      readonly read: readonly UserId[]
    }
  | {
      readonly do: 'refuse'
      readonly session: SessionRef
      readonly kind: 'members' | 'ticks' | 'watch'
      readonly code: ErrorCode
    }
  | { readonly do: 'watching'; readonly session: SessionRef }
  /** May be lost. */
  | { readonly do: 'typing'; readonly watcher: SessionRef; readonly by: UserId; readonly what: Typing }

/** What is told of a group. */
export type KnownGroup = {
  readonly name: string
  /** How many earlier entries one sees who is added. */
  readonly history: number
  readonly lifetime: Lifetime
  readonly admins: readonly UserId[]
  readonly members: readonly UserId[]
}

export type GroupLimits = LogLimits & { readonly members: number }

/** What a feature of the group wants of the log. It is heeded in its turn, as what the log says. */
export type Wish =
  /** A member's link has brought the log's entries up to `seq`. */
  | { readonly says: 'ack'; readonly link: Link; readonly seq: Seq }
  /** The member of a link is none any more, and has all that was for them. */
  | { readonly says: 'end'; readonly link: Link }
  /** A link begins, or begins again, after what is durable with the member. */
  | { readonly says: 'begin'; readonly link: Link }
  /** Open a link to everyone who may be owed something. */
  | { readonly says: 'link' }
  /** The message that pauses the log goes on, or is refused. */
  | { readonly says: 'resume'; readonly message: Deliver | ErrorCode }
  /** What the record has of the log. */
  | { readonly says: 'settle'; readonly upTo: Seq }

export type GroupTurn = Turn<GroupLimits, GroupEffect> &
  Omit<LogTurn, 'effects' | 'said'> & { readonly said: (LogEvent | Wish)[] }

/** The way from the group's log to one member's inbox: copies in order, the next page as the last is durable there. */
export type Link = {
  /** What it hands on comes by this. */
  readonly origin: LinkOrigin
  /** Names the link while it reads the log. */
  readonly ref: ReaderRef
  readonly member: UserId
  /** By which the link reads the group's log. */
  readonly reader: Reader
  round: number
  /** Copies under way, and the lowest seq of those that were refused for now. */
  flying: number
  refused: Seq
  /** It waits to go on; `broken`: from what is durable with the member. */
  waits: boolean
  broken: boolean
  /** Copies up to here may be with the member already. */
  againTo: Seq
  /** Entries from the log that are not all durable there, in seq order; null: what has vanished. */
  readonly entries: { readonly seq: Seq; readonly entry: Message | null; done: boolean }[]
}

export type Member = { -readonly [Key in keyof GroupMember]: GroupMember[Key] } & {
  /** Ticks that were told to this member as a sender, in this life of the actor. */
  announced: { delivered: Seq; read: Seq }
}

/** The state belongs to the machine, which changes it in place. */
export type GroupState = {
  readonly id: GroupId
  /** Its readers are the members, each by a link. */
  readonly log: LogState
  /** The tail when this actor started: copies up to here may be with the members already. */
  readonly startTail: Seq
  exists: boolean
  name: string
  history: number
  lifetime: Lifetime
  readonly members: Map<UserId, Member>
  /** Who may join, and who has left and is asked before they are added again. */
  readonly invited: Set<UserId>
  readonly left: Set<UserId>
  readonly links: Map<LinkRef, Link>
  readonly linked: Map<UserId, Link>
  /** A random name of this life of the actor, by which its links differ from those of all others. */
  readonly life: string
  linkRefs: number
  /** The ticket of the change that is under way. What comes after it waits: it may change who may do what. */
  changing: Ticket
  held: Deliver[]
  /** The record lags behind. */
  dirty: boolean
  /** The seq of the record that is being written; 0: none is. */
  recording: Seq
  /** Members whose marks become durable with the next record, and with the one that is being written. */
  unconfirmed: Set<UserId>
  confirming: Map<UserId, { readonly delivered: Seq; readonly read: Seq }>
  /** Who is told nothing at the next count of ticks: all whose marks came have blocked them. */
  hushed: readonly UserId[]
  readonly timers: Set<string>
  /** Sessions of members that have the chat open. */
  watchers: readonly { readonly session: SessionRef; readonly user: UserId }[]
}
