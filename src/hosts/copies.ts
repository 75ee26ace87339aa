/** The copies of a group's messages: handed to the members' actors, and their answers brought back. */
import type { Fanned, GroupEffect, Message } from '../../actors/group/types.ts'
import type { Accepted, Ticket, UserMessage } from '../../actors/user/types.ts'
import type { Place } from '../protocol/group.ts'
import type { GroupId } from '../protocol/ids.ts'
import { share } from '../protocol/shared.ts'
import type { Asks } from '../runtime/index.ts'
import type { Users } from './users.ts'

type Context = { readonly users: () => Users; readonly asks: Asks<Accepted> }

/** One object for all copies of a message, by which codecs know that they are the same. */
const places = new WeakMap<Message, Place>()

function placeOf(group: GroupId, epoch: number, entry: Message): Place {
  const { seq, change } = entry
  const place = places.get(entry) ?? share({ group, epoch, at: seq, ...(change && { change }) })
  places.set(entry, place)
  return place
}

/** Delivers a copy to a member's actor. Links have negative numbers, so that they are never a session's. */
export function fan(
  { users, asks }: Context,
  answers: Answers,
  group: GroupId,
  epoch: number,
  { link, member, entry, turn, again }: Extract<GroupEffect, { do: 'fan' }>,
): void {
  const { from, id, body, media, lifetime } = entry
  const place = placeOf(group, epoch, entry)
  const ticket: Ticket = asks.ask((answer) => answers.add(group, { link, turn, answer }))
  const message: UserMessage = {
    is: 'deliver',
    session: -link,
    turn,
    from,
    id,
    body,
    media,
    place,
    lifetime,
    again,
    ticket,
  }
  if (!users().offer(member, message)) asks.answer(ticket, { is: 'refused', code: 'busy' })
}

/**
 * The members' answers to a group's copies: those of one turn of the event loop are one message to the group. One by one they
 * filled the mailbox of a group of 1,024, which then refused what its members sent.
 */
export class Answers {
  #open = new Map<GroupId, Fanned[]>()
  readonly #tell: (group: GroupId, copies: readonly Fanned[]) => void

  constructor(tell: (group: GroupId, copies: readonly Fanned[]) => void) {
    this.#tell = tell
  }

  add(group: GroupId, copy: Fanned): void {
    const copies = this.#open.get(group)
    if (copies) return void copies.push(copy)
    if (this.#open.size === 0) setImmediate(() => this.#hand())
    this.#open.set(group, [copy])
  }

  #hand(): void {
    const open = this.#open
    this.#open = new Map()
    for (const [group, copies] of open) this.#tell(group, copies)
  }
}
