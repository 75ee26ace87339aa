/** Changes on the wire: a change of a group, or of the lifetime of any chat, is a message to it that says what it changes; its body is the new value. */
import { type GroupId, isCount, isUserId, type Seq } from './ids.ts'
import { isLifetime } from './lifetime.ts'

/**
 * What a change does, and what its body is: `create` and `rename` a name; `add` users, one in each line; `remove`, `promote` and
 * `demote` a user; `leave` nothing; `history` how many earlier entries one sees who is added from now on; `lifetime` how long messages stay.
 * Between two users there is only the last.
 */
const changes = ['create', 'rename', 'history', 'lifetime', 'add', 'remove', 'leave', 'promote', 'demote'] as const
export type Change = (typeof changes)[number]

/** Where a message stands in the log of its group, which has the same order for every member. */
export type Place = { readonly group: GroupId; readonly epoch: number; readonly at: Seq; readonly change?: Change }

/** Characters of a group's name. */
const nameLength = 100
/** Earlier entries that a new member may see. */
const historyEntries = 1_000

/** Whether a change may have that body. `max` is `limits.idLength`. */
export function isChange(change: unknown, body: unknown, max: number): change is Change {
  switch (change) {
    case 'create':
    case 'rename':
      return typeof body === 'string' && body.trim() !== '' && body.length <= nameLength
    case 'history':
      return typeof body === 'string' && /^\d+$/.test(body) && isCount(Number(body)) && Number(body) <= historyEntries
    case 'lifetime':
      return isLifetime(body)
    case 'leave':
      return body === ''
    case 'add':
      return typeof body === 'string' && body.split('\n').every((user) => isUserId(user, max))
    default:
      return changes.includes(change as Change) && isUserId(body, max)
  }
}
