/**
 * What nodes send each other, beside what links have for themselves (kinds 1 and 2). A message to an actor travels as it is, but for what
 * means something on one node alone: sessions go by the reference that their own node has for them, times of the monotonic clock as
 * how long ago that was, and tickets beside the message.
 */
import type { LinkFrame } from '../cluster/link/batch.ts'
import type { Common } from '../cluster/link/joined.ts'
import type { Place } from '../protocol/group.ts'
import type { Body, Millis } from '../protocol/ids.ts'
import { isSealed } from '../protocol/sealed.ts'
import { share } from '../protocol/shared.ts'

export const kinds = {
  /** [how, kind, id, message]: for an actor, as a router tells it. */
  tell: 3,
  /** [ticket, kind, id, message]: one that it answers. */
  ask: 4,
  /** [ticket, answer] */
  answer: 5,
  /** [session, frame]: for its client. */
  push: 6,
  /** The same, and may be lost. */
  hint: 7,
  /** [session, what, value]: for the session itself. */
  session: 8,
  /** [shard, owner, term, …]: rows of shards. */
  moved: 9,
  /** [frame]: it came to a node that has not the shard, and was not heeded. */
  back: 10,
  /** [shard, n]: nothing more comes for this shard from here; answered by `flushed` when all that had to is back. */
  flush: 11,
  flushed: 12,
  /** [n, kind, id, what]: what an actor knows; answered by `reply`, [n, value]. */
  query: 13,
  reply: 14,
  /** [session]: it has ended. */
  ended: 15,
  /** [n, user, device, close code]: for its sessions; answered by `reply`, how many there were. */
  disconnect: 16,
  /** [user, banned, n]: answered by `reply`, when they are kept out. */
  ban: 17,
  /** [n, user]: through which devices of its sessions they are connected; answered by `reply`. */
  devices: 18,
  /** [common, [ticket, kind, id, rest], …]: as many `ask`, of users' actors to take a message of a group: what they have in common goes once. */
  copies: 19,
  /** [what]: what this node tells a service; '': it tells none. */
  webhooks: 20,
  /** [n, after, limit]: which users whose actors are there are connected; answered by `reply`. */
  online: 21,
  /** [user, device, frame]: for its sessions of that device; may be lost. */
  device: 22,
  /** [n, user]: whether that node is erasing a user; answered by `reply`. */
  erasing: 23,
} as const

/** How a router tells something. */
export const hows = ['tell', 'tellIfPresent', 'hint'] as const
export type How = (typeof hows)[number]

/** A message of any actor, as far as it is looked at here. */
export type Message = { readonly is: string } & Readonly<Record<string, unknown>>
type Tell = readonly [kind: typeof kinds.tell, how: number, actor: string, id: string, message: Message]
export type Ask = readonly [kind: typeof kinds.ask, ticket: number, actor: string, id: string, message: Message]
/** What goes to an actor. */
export type ToActor = Tell | Ask

/** By these a session that has ended leaves its actors. */
export const farewell: ReadonlySet<string> = new Set(['detach', 'unwatch', 'gone'])

/** What a device tells its own user's actor: unconfirmed, only its client can repeat it. */
const own = new Set(['attach', 'ack', 'read', 'set', 'ask', 'remove', 'delete', 'history'])
export const isOwn = (actor: string, message: Message): boolean => actor === 'user' && own.has(message.is)

/** What becomes of messages, and what devices and persons do: nobody looks at it within some milliseconds. */
const patient = new Set(['receipt', 'receipted', 'ack', 'read', 'active', 'away', 'typing'])

/** Whether nobody waits for a frame: half of all that nodes say to each other. It goes along with others, in their order. */
export function isPatient([kind, , second, , message]: LinkFrame): boolean {
  if (kind === kinds.tell) return patient.has((message as Message).is)
  if (kind !== kinds.push) return kind === kinds.hint || kind === kinds.ended
  const [is, of] = second as readonly [is: string, of: unknown]
  return is === 'receipt' || (is === 'done' && of === 'read')
}

type Session = { readonly session: number }

/** The session that a message is of; 0: none. */
export function sessionOf(message: Message): number {
  const { session, watcher, device, origin } = message as {
    readonly session?: unknown
    readonly watcher?: number | Session
    readonly device?: unknown
    readonly origin?: { readonly is: string; readonly ref: number }
  }
  if (typeof session === 'number') return session
  if (typeof watcher === 'number') return watcher
  if (watcher) return watcher.session
  if (message.is === 'gone') return (device as Session).session
  return origin?.is === 'session' ? origin.ref : 0
}

/** The same message, of that session. */
function ofSession(message: Message, session: number): Message {
  if (typeof message['session'] === 'number') return { ...message, session }
  if (typeof message['watcher'] === 'number') return { ...message, watcher: session }
  if (message['watcher']) return { ...message, watcher: { ...message['watcher'], session } }
  if (message.is === 'gone') return { ...message, device: { ...(message['device'] as object), session } }
  return message['origin'] ? { ...message, origin: { is: 'session', ref: session } } : message
}

/** As 0, never. */
const never = -1
const ageOf = (at: Millis, now: Millis): Millis => (at === 0 ? never : now - at)
const timeOf = (age: Millis, now: Millis): Millis => (age === never ? 0 : Math.max(1, now - age))

/** With times that are of one node's monotonic clock changed by `of`. */
function timed(message: Message, of: (time: Millis, now: Millis) => Millis, now: Millis): Message {
  if (message.is === 'active') return { ...message, at: of(message['at'] as Millis, now) }
  if (message.is !== 'gone') return message
  const device = message['device'] as { readonly activeAt: Millis }
  return { ...message, at: of(message['at'] as Millis, now), device: { ...device, activeAt: of(device.activeAt, now) } }
}

/**
 * Of a copy of a group's message: what all copies have in common, by that message's place, and the rest; undefined: it is none. Of what is
 * sealed each member gets something else.
 */
export function copyIn([, ticket, actor, user, message]: Ask): readonly [Common, rest: unknown] | undefined {
  const { from, id, body, media, place, lifetime, ...rest } = message
  if (message.is !== 'deliver' || !place) return undefined
  const own = isSealed(body as Body)
  const head = () => ({ from, id, media, place, lifetime, ...(!own && { body }) })
  return [{ kind: kinds.copies, key: place, head }, [ticket, actor, user, own ? { ...rest, body } : rest]]
}

/** The asks that a frame of copies is. */
export function asksIn([, common, ...copies]: LinkFrame): Ask[] {
  const { place } = common as { readonly place: Place }
  const head = { ...(common as object), place: share(place) }
  return (copies as [number, string, string, Message][]).map(([ticket, actor, id, rest]) => [
    kinds.ask,
    ticket,
    actor,
    id,
    { ...rest, ...head },
  ])
}

/** A copy of a group's message that was held, or came back: meanwhile the group may be elsewhere, and have handed it out anew. */
export function delayed(frame: ToActor): ToActor {
  const [kind, first, actor, id, message] = frame
  const { origin } = message as { readonly origin?: { readonly is: string } }
  return origin?.is === 'link' ? ([kind, first, actor, id, { ...message, again: true }] as unknown as ToActor) : frame
}

/** As it travels. */
export function outbound<Frame extends ToActor>(frame: Frame, now: Millis): Frame {
  const [kind, first, actor, id, message] = frame
  return [kind, first, actor, id, timed(message, ageOf, now)] as unknown as Frame
}

/** As it is here, of a session that has this reference here. */
export function inbound(message: Message, session: number, now: Millis): Message {
  const here = sessionOf(message) === 0 ? message : ofSession(message, session)
  return timed(here, timeOf, now)
}
