/** A device with its application: an honest client that has a durable cursor and outbox. What it takes in is in taking.ts. */
import type { Entry } from '../../src/protocol/entry.ts'
import type { ClientFrame, ServerFrame } from '../../src/protocol/frames.ts'
import type { Change } from '../../src/protocol/group.ts'
import type { MediaRef, MessageId, Position, UserId } from '../../src/protocol/ids.ts'
import type { Wire } from './wire.ts'

export type Sent = {
  readonly id: MessageId
  readonly to: UserId
  readonly body: string
  readonly media: MediaRef | undefined
  readonly change: Change | undefined
  tried: boolean
  flying: boolean
  at: Position | null
  /** The life of the node in which its place was told. */
  life: number
  /** How long the log of its recipient was when it was tried first. */
  since: number
}

/** Of a chat, what stands from one seq to another. */
export type Deletion = { readonly chat: UserId; readonly from: number; readonly upTo: number }
/** What a client knows of a recipient, of one log, as was told in one life of the node. */
export type Mark = { readonly epoch: number; readonly life: number; readonly delivered: number; readonly read: number }
/** Whether somebody is online, and else when they were seen last. */
export type Seen = { readonly online: boolean; readonly lastSeen: number | null }

export class Device {
  readonly user: UserId
  readonly name: string
  wire: Wire | null = null
  welcomed = false
  /** The life of the node in which it was welcomed. */
  life = 0
  cursor = { epoch: 0, seq: 0, life: 0 }
  /** What it asks, after a welcome of another life, of what it was told before; nothing is sent to whom that is about. */
  readonly doubts = new Map<string, Extract<ClientFrame, readonly ['stand', ...unknown[]]>>()
  /** Messages that it ever got. */
  readonly ever = new Set<MessageId>()
  received = 0
  /** The latest name when it was first told where it begins, or last that it may have missed something. */
  came = Number.POSITIVE_INFINITY
  /** How far it was when it was told last that it may have missed something. */
  missed = 0
  acked = 0
  readonly inbox: Entry[] = []
  readonly outbox: Sent[] = []
  readonly marks = new Map<UserId, Mark[]>()
  readonly wanted = new Map<UserId, number>()
  readonly unread = new Map<UserId, number>()
  /** What was refused for now. */
  readonly refused: ClientFrame[] = []
  /** Chats whose read is confirmed, up to which seq. */
  readonly confirmed = new Map<UserId, number>()
  /** What it was told of its user's chats, and whether that is all. */
  listed: Extract<ServerFrame, readonly ['chat', ...unknown[]]>[] = []
  hasListed = false
  /** What it deletes, and what it has deleted. */
  deleting: Deletion[] = []
  readonly deleted: Deletion[] = []
  /** When its person did something on this connection. */
  activeAt = 0
  /** Whom it watches, and what it was told of them on this connection. */
  readonly watched = new Map<UserId, Seen | null>()

  constructor(user: string, name: string) {
    this.user = user as UserId
    this.name = name
  }

  say(...frames: ClientFrame[]): void {
    this.wire?.up.push(...frames)
  }

  /** On a wire that is open. */
  enter(wire: Wire): void {
    this.wire = wire
    const { epoch, seq, life } = this.cursor
    this.say(['hello', this.user, this.name, epoch, seq, false, life, this.received])
  }

  /** Its link is gone. */
  leave(): void {
    this.wire = null
    this.welcomed = false
    this.refused.length = 0
    for (const user of this.watched.keys()) this.watched.set(user, null)
    for (const sent of this.outbox) sent.flying = false
  }

  /** Its log was put back: what it has of it means nothing any more. */
  reset(epoch: number, seq: number): void {
    this.inbox.length = 0
    this.received = seq
    this.acked = seq
    this.missed = 0
    this.cursor = { ...this.cursor, epoch, seq }
    this.deleting = []
    this.deleted.length = 0
    for (const places of [this.wanted, this.unread, this.confirmed]) places.clear()
  }

  /** The store was put back: reads after it are forgotten, and nobody knows what was said of what it had tried. */
  lose(): void {
    this.confirmed.clear()
    for (const sent of this.outbox) if (sent.tried) sent.since = -1
  }

  /** Of what is queued to `to` sends a few, in order; after a refusal only once nothing is under way any more. */
  send(to: UserId, since: number): void {
    if (!this.welcomed || [...this.doubts.values()].some(([, chat]) => chat === to)) return
    const queued = this.outbox.filter((sent) => sent.to === to && !sent.at)
    const firstFree = queued.findIndex((sent) => !sent.flying)
    if (firstFree === -1 || queued.slice(firstFree).some((sent) => sent.flying)) return
    for (const sent of queued.slice(firstFree, firstFree + 3)) {
      const { id, body, media, change, tried: again } = sent
      if (!again) sent.since = since
      Object.assign(sent, { tried: true, flying: true })
      if (change) this.say(['send', id, to, body, again, null, change])
      else this.say(media ? ['send', id, to, body, again, media] : ['send', id, to, body, again])
    }
  }

  ack(): void {
    if (!this.welcomed || this.received <= this.acked) return
    this.acked = this.received
    this.cursor = { ...this.cursor, seq: this.received }
    this.say(['ack', this.received])
  }

  read(chat: UserId): void {
    const seq = this.unread.get(chat) ?? 0
    if (seq === 0) return
    this.wanted.set(chat, seq)
    if (this.welcomed) this.say(['read', chat, seq])
  }

  /** Deletes what it has of a chat, or the last entry of that. */
  delete(chat: UserId, single: boolean): void {
    const upTo = this.received
    if (upTo === 0) return
    const one = { chat, from: single ? upTo : 1, upTo }
    this.deleting.push(one)
    if (this.welcomed) this.say(['delete', chat, one.from, upTo])
  }

  watch(user: UserId): void {
    if (!this.watched.has(user)) this.watched.set(user, null)
    if (this.welcomed) this.say(['watch', user])
  }

  /** Says again what is not confirmed. */
  repeat(): void {
    for (const [chat, seq] of this.wanted) this.say(['read', chat, seq])
    for (const { chat, from, upTo } of this.deleting) this.say(['delete', chat, from, upTo])
    for (const [user, seen] of this.watched) if (!seen) this.say(['watch', user])
  }
}
