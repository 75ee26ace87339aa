/** The copies of a group's messages: handed to the members' actors, and their answers brought back. */
import { type NodeRouter, toUser } from '../../../actors/addresses.ts'
import type { Fanned, GroupEffect, Message } from '../../../actors/group/types.ts'
import { isBehind, isForNow, noteRefusal, type Refusals } from '../../../actors/lanes.ts'
import type { Deliver } from '../../../actors/log/types.ts'
import type { Place } from '../../protocol/group.ts'
import type { Body, GroupId, UserId } from '../../protocol/ids.ts'
import { keptIn } from '../../protocol/keys/group.ts'
import { Queue } from '../../protocol/queue.ts'
import { isSealed } from '../../protocol/sealed.ts'
import { share } from '../../protocol/shared.ts'
import type { Turns } from '../../runtime/index.ts'

/** One object for all copies of a message, by which codecs know that they are the same. */
const places = new WeakMap<Message, Place>()

function placeOf(group: GroupId, epoch: number, entry: Message): Place {
  const { seq, change } = entry
  const place = places.get(entry) ?? share({ group, epoch, at: seq, ...(change && { change }) })
  places.set(entry, place)
  return place
}

/** What members get of sealed messages, which are taken apart once for all copies. */
const sealed = new WeakMap<Message, (member: UserId) => Uint8Array>()

function bodyFor(entry: Message, member: UserId): Body {
  if (!isSealed(entry.body)) return entry.body
  const kept = sealed.get(entry) ?? keptIn(entry.body)
  sealed.set(entry, kept)
  return kept(member)
}

type Fan = Extract<GroupEffect, { do: 'fan' }>
type Waiting = { readonly group: GroupId; readonly copies: Queue<Fan> }

/**
 * Copies under way at a time, of all groups: what people write to each other waits behind no more than these, about 0.1 s.
 * With a quarter of them a copy costs a seventh more, since fewer are committed together.
 */
const atOnce = 8_192
/** Copies of one group before another has its turn. */
const inTurn = 64

/**
 * Hands copies to the members' actors: only so many are under way, and groups take turns. Two hundred messages to a group of a
 * thousand would else be two hundred thousand appends in line, and what another sends to a friend would wait for all of them.
 */
export class Copies {
  readonly #router: NodeRouter
  readonly #answers: Answers
  readonly #waiting = new Map<GroupId, Waiting>()
  readonly #turns = new Queue<Waiting>()
  /**
   * By link: what did not get to its member, since the mailbox is full, or the actor could not be loaded. The member's log knows nothing of
   * it, and the group not yet: what follows in the meantime must not overtake it.
   */
  readonly #refused: Refusals<string> = new Map()
  #flying = 0

  /** `tell` hands answers to a group. */
  constructor(
    router: NodeRouter,
    turns: Pick<Turns, 'add'>,
    tell: (group: GroupId, copies: readonly Fanned[]) => void,
  ) {
    this.#router = router
    this.#answers = new Answers(turns, (group, copies) => {
      this.#flying -= copies.length
      this.#go()
      tell(group, copies)
    })
  }

  /** Where there is room nobody waits, and it goes at once: a queue for each copy was a fifteenth of the garbage. */
  add(group: GroupId, copy: Fan): void {
    if (this.#flying < atOnce) return this.#hand(group, copy)
    const waiting = this.#waiting.get(group)
    if (waiting) return waiting.copies.push(copy)
    const first = { group, copies: new Queue<Fan>() }
    first.copies.push(copy)
    this.#waiting.set(group, first)
    this.#turns.push(first)
  }

  /** What waits of these is left to whoever has the group next: that hands it out anew, and this would come to members behind it. */
  forget(isOf: (group: GroupId) => boolean): void {
    // In place: what comes of the same group later keeps its turn.
    for (const { group, copies } of this.#waiting.values()) while (isOf(group) && copies.shift());
  }

  #go(): void {
    while (this.#flying < atOnce) {
      const next = this.#turns.shift()
      if (!next) return
      for (let n = 0; n < inTurn && this.#flying < atOnce && next.copies.size > 0; n++)
        this.#hand(next.group, next.copies.shift() as Fan)
      if (next.copies.size > 0) this.#turns.push(next)
      else this.#waiting.delete(next.group)
    }
  }

  #hand(group: GroupId, { link, epoch, member, entry, step, again }: Fan): void {
    const { from, id, media, lifetime } = entry
    const body = bodyFor(entry, member)
    const place = placeOf(group, epoch, entry)
    this.#flying += 1
    const answered = (answer: Fanned['answer']) => this.#answered(group, { link: link.ref, step, answer })
    if (isBehind(this.#refused, link.ref, step)) return answered({ is: 'refused', code: 'busy' })
    this.#router.ask(
      toUser(member),
      (ticket): Deliver => ({
        is: 'deliver',
        origin: link,
        step,
        from,
        id,
        body,
        media,
        place,
        lifetime,
        again,
        ticket,
      }),
      answered,
    )
  }

  #answered(group: GroupId, copy: Fanned): void {
    const { link, step, answer } = copy
    if (answer.is === 'refused' && isForNow(answer.code)) noteRefusal(this.#refused, link, step)
    this.#answers.add(group, copy)
  }
}

/**
 * The members' answers to a group's copies: those of all actors that wait for their turn are one message to the group. One by one they
 * filled the mailbox of a group of 1,024, which then refused what its members sent.
 */
class Answers {
  #open = new Map<GroupId, Fanned[]>()
  readonly #turns: Pick<Turns, 'add'>
  readonly #tell: (group: GroupId, copies: readonly Fanned[]) => void

  constructor(turns: Pick<Turns, 'add'>, tell: (group: GroupId, copies: readonly Fanned[]) => void) {
    this.#turns = turns
    this.#tell = tell
  }

  add(group: GroupId, copy: Fanned): void {
    const copies = this.#open.get(group)
    if (copies) return void copies.push(copy)
    if (this.#open.size === 0) this.#turns.add(() => this.#hand())
    this.#open.set(group, [copy])
  }

  #hand(): number {
    const open = this.#open
    this.#open = new Map()
    for (const [group, copies] of open) this.#tell(group, copies)
    return open.size
  }
}
