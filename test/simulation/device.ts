import { startSession } from '../../actors/session/session.ts'
import type { SessionState } from '../../actors/session/state.ts'
import type { UserEffect } from '../../actors/user/types.ts'
import type { Entry } from '../../src/protocol/entry.ts'
import type { ServerFrame } from '../../src/protocol/frames.ts'
import type { Change } from '../../src/protocol/group.ts'
import type { GroupId, MessageId, Position, UserId } from '../../src/protocol/ids.ts'

/** The group of the world. */
export const team = '#team' as GroupId
export const sessionLimits = { framesPerSecond: 1_000, sendsInFlight: 5, watches: 1, listed: 3 }

type Sent = {
  readonly id: MessageId
  readonly to: UserId
  readonly body: string
  readonly change: Change | undefined
  tried: boolean
  flying: boolean
  at: Position | null
  /** The life of the node in which its place was told. */
  life: number
}

/** Of a chat, what stands from one seq to another. */
export type Deletion = { readonly chat: UserId; readonly from: number; readonly upTo: number }

/** A device with its application: an honest client that has a durable cursor and outbox. */
export class Device {
  readonly user: UserId
  readonly name: string
  session = 0
  state: SessionState = startSession(sessionLimits, 0)
  welcomed = false
  cursor = { epoch: 0, seq: 0, life: 0 }
  /** Whom nothing is sent to before the node has said what holds. */
  readonly doubts = new Set<string>()
  /** Messages that it ever got. */
  readonly ever = new Set<MessageId>()
  received = 0
  acked = 0
  readonly inbox: Entry[] = []
  readonly outbox: Sent[] = []
  readonly wanted = new Map<UserId, number>()
  readonly unread = new Map<UserId, number>()
  /** Chats whose read was refused for now. */
  readonly refused = new Set<UserId>()
  /** Chats whose read is confirmed, up to which seq. */
  readonly confirmed = new Map<UserId, number>()
  /** What it deletes, and what it has deleted. */
  deleting: Deletion[] = []
  readonly deleted: Deletion[] = []
  /** What the links carry to it. */
  frames: (UserEffect | { readonly do: 'frame'; readonly frame: ServerFrame })[] = []

  /** Its log was put back: what it has of it means nothing any more. */
  reset(epoch: number, seq: number): void {
    this.inbox.length = 0
    this.received = seq
    this.acked = seq
    this.cursor = { ...this.cursor, epoch, seq }
    this.deleting = []
    this.deleted.length = 0
    for (const places of [this.wanted, this.unread, this.refused, this.confirmed]) places.clear()
  }

  constructor(user: string, name: string) {
    this.user = user as UserId
    this.name = name
  }
}
