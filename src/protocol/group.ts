/** Changes on the wire: a change of a group, or of the lifetime of any chat, is a message to it that says what it changes; its body is the new value. */
import { type GroupId, isCount, isUserId, type Seq } from './ids.ts'
import { isLifetime } from './lifetime.ts'

/**
 * What a change does, and what its body is: `create` and `rename` a name; `add` users, one in each line; `remove`, `promote` and
 * `demote` a user; `leave` and `join` nothing; `history` how many earlier entries one sees who is added from now on; `lifetime` how long
 * messages stay. Between two users there is only the last. `invite` is what a user gets of an `add` who is asked first: the group's name.
 */
const changes = [
  'create',
  'rename',
  'history',
  'lifetime',
  'add',
  'invite',
  'join',
  'remove',
  'leave',
  'promote',
  'demote',
] as const
export type Change = (typeof changes)[number]

/** Where a message stands in the log of its group, which has the same order for every member. */
export type Place = { readonly group: GroupId; readonly epoch: number; readonly at: Seq; readonly change?: Change }

/** Characters of a group's name. */
const nameLength = 100
/** Of what shows nothing only that which joins letters or emoji has a place in a name: nothing that turns the text round it. */
const nameText = /^(?:[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|\u200c|\u200d|[\u{e0020}-\u{e007f}])+$/u
const shows = /[^\p{Cf}\p{Z}\p{M}\p{Default_Ignorable_Code_Point}\u2800]/u
/** Earlier entries that a new member may see. */
const historyEntries = 1_000

/** Whether a change may have that body. `max` is `limits.idLength`. */
export function isChange(change: unknown, body: unknown, max: number): change is Change {
  switch (change) {
    case 'create':
    case 'rename':
      return isName(body)
    case 'history':
      return typeof body === 'string' && /^\d+$/.test(body) && isCount(Number(body)) && Number(body) <= historyEntries
    case 'lifetime':
      return isLifetime(body)
    case 'leave':
    case 'join':
      return body === ''
    case 'invite':
      return false
    case 'add':
      return typeof body === 'string' && body.split('\n').every((user) => isUserId(user, max))
    default:
      return changes.includes(change as Change) && isUserId(body, max)
  }
}

/** Whether a group may be called so: one sees something, and that is what is there. */
const isName = (body: unknown): boolean =>
  typeof body === 'string' && body.length <= nameLength && nameText.test(body) && shows.test(body)
