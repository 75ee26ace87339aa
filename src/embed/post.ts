/** How what a program sends as a user gets to its log. */
import { createHash } from 'node:crypto'
import { type NodeRouter, toChat, toUser } from '../../actors/addresses.ts'
import type { Accepted, Copy, Deliver, Ticket } from '../../actors/log/types.ts'
import { type ErrorCode, errorCodes, mayRetry } from '../protocol/codes.ts'
import type { Change } from '../protocol/group.ts'
import { type Body, isGroup, type MediaRef, type MessageId, type Position, type UserId } from '../protocol/ids.ts'
import type { Lifetime } from '../protocol/lifetime.ts'
import type { Address } from '../runtime/index.ts'

export type Posting = { readonly router: NodeRouter }

/** Something from code that was refused. `code` is one of the protocol's error codes; where `retry` is true, do it again; a send under the same `id`. */
export class SendRefused extends Error {
  readonly code: ErrorCode
  readonly retry: boolean
  readonly id: string
  constructor(code: ErrorCode, id: string) {
    super(`the message was refused: ${errorCodes[code].text}`)
    this.name = 'SendRefused'
    this.code = code
    this.retry = mayRetry(code)
    this.id = id
  }
}

/** A message that a program sends as a user. `again`: it may have been sent before. */
export type Post = {
  readonly from: UserId
  readonly to: UserId
  readonly id: MessageId
  readonly body: Body
  readonly media?: MediaRef | undefined
  readonly change?: Change
  readonly again: boolean
}

/** A message, and the copy that its sender needs: for the history, or to know the new lifetime. */
export async function post(context: Posting, message: Post): Promise<Position> {
  const { from, to, id, change } = message
  const code = { origin: { is: 'program' }, step: { nth: 0, round: 0 } } as const
  const deliver = (ticket: Ticket): Deliver => ({ is: 'deliver', ...code, ...message, ticket })
  const { at, time, lifetime } = await ask(context, id, toChat(to), deliver)
  if (to === from || !needsCopy(to, change, lifetime)) return at
  await ask(context, id, toUser(from), (ticket): Copy => ({ is: 'copy', ...message, at, time, lifetime, ticket }))
  return at
}

const needsCopy = (to: UserId, change: Change | undefined, lifetime: Lifetime | undefined): boolean =>
  change ? !isGroup(to) : lifetime === 'permanent'

/** Rejects with SendRefused. */
export async function ask<Message>(
  { router }: Posting,
  id: string,
  to: Address<Message>,
  messageOf: (ticket: Ticket) => Message,
) {
  const answer = await new Promise<Accepted>((resolve) => router.ask(to, messageOf, resolve))
  if (answer.is === 'refused') throw new SendRefused(answer.code, id)
  return answer
}

/** The id of one of several messages that a program sends by one call: the same when it repeats the call under the same id. */
export function partId(id: string, part: string): MessageId {
  const hash = createHash('sha256').update(`${id}\n${part}`).digest('hex')
  const [a, b, c, d, e] = [
    hash.slice(0, 8),
    hash.slice(8, 12),
    hash.slice(13, 16),
    hash.slice(17, 20),
    hash.slice(20, 32),
  ]
  // Version 8: the bits are of one's own making.
  return `${a}-${b}-8${c}-8${d}-${e}` as MessageId
}
