/**
 * Who is in a sealed group, as its admins have said in sealed changes: of each device its own, and never what a server lists. Changes count
 * in the order of the group's log, each from the last on, so that all members come to the same. Pure.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import type { Millis } from '../../protocol/ids.ts'
import { framed } from '../../protocol/keys/bytes.ts'
import { sealedMembers } from '../../protocol/keys/group.ts'

/** A change at a place of the group's log. `leave` is said by no admin, and not sealed: `value` is who has left. */
export type Step = {
  readonly at: number
  readonly id: string
  readonly by: string
  readonly change: string
  readonly value: string
  /** When this device has heard of it. */
  readonly heard?: Millis
}
/** `n` sealed changes, the last of which is named by `hash`, in hex. Members in the order in which they came. */
export type List = {
  readonly n: number
  readonly hash: string
  readonly members: readonly string[]
  readonly admins: readonly string[]
}
/**
 * `later`: changes since, as two that are made at once may come in another order than that of the log. `rank`: where devices of other users have
 * told it, how far they are believed.
 */
export type Roster = List & { readonly later: readonly Step[]; readonly rank?: number | undefined }

/** Changes that may still come before one that is here. */
const mostLater = 16

/** Beyond what any group comes to; who says more wants to keep others from ever having a later list. */
const mostChanges = 2 ** 31

/** Of one that is to be made. */
export const begunBy = (user: string): List => ({ n: 0, hash: '', members: [user], admins: [user] })

export const listText = ({ n, hash, members, admins }: List): string => JSON.stringify({ n, hash, members, admins })

/** undefined: not what `listText` makes. */
export function listIn(text: string): List | undefined {
  try {
    const { n, hash, members, admins } = JSON.parse(text)
    const isOf = (names: unknown): boolean =>
      Array.isArray(names) &&
      new Set(names).size === names.length &&
      names.length <= sealedMembers &&
      names.every((name) => typeof name === 'string')
    const isNumber = Number.isSafeInteger(n) && n >= 0 && n <= mostChanges
    const isHash = typeof hash === 'string' && (n === 0 ? hash === '' : /^[0-9a-f]{64}$/.test(hash))
    return isNumber && isHash && isOf(members) && isOf(admins) ? { n, hash, members, admins } : undefined
  } catch {
    return undefined
  }
}

/** Those of an `add` who are no members yet. */
export const newcomers = ({ members }: List, value: string): string[] =>
  [...new Set(value.split('\n'))].filter((user) => user !== '' && !members.includes(user))

export class Rosters {
  readonly #realm: string

  constructor(realm: string) {
    this.#realm = realm
  }

  /** With all that has come since, and the names of all changes on the way. */
  now(group: string, { later, ...list }: Roster): List & { readonly heads: readonly string[] } {
    const heads = [list.hash]
    let now: List = list
    for (const step of later) {
      now = this.#after(group, now, step)
      heads.push(now.hash)
    }
    return { ...now, heads }
  }

  /** undefined: whoever says it may not, or it is here already. */
  with(group: string, { later, ...list }: Roster, step: Step): Roster | undefined {
    if (later.some(({ id }) => id === step.id)) return undefined
    const all = [...later, step].sort((one, other) => one.at - other.at)
    const [oldest] = all
    const roster =
      oldest && all.length > mostLater
        ? { ...this.#after(group, list, oldest), later: all.slice(1) }
        : { ...list, later: all }
    const counts = step.change === 'leave' || this.now(group, roster).n > this.now(group, { ...list, later }).n
    return counts ? roster : undefined
  }

  #after(group: string, list: List, { id, by, change, value }: Step): List {
    if (change === 'leave') return without(list, value)
    const isCreated = change === 'create' && list.n === 0
    if (!list.admins.includes(by) || (change === 'create') !== isCreated) return list
    const { members, admins } = list
    const hash = bytesToHex(sha256(framed(['Bluetick/1/group', this.#realm, group, list.hash, id, by, change, value])))
    const next = { ...list, n: list.n + 1, hash }
    switch (change) {
      case 'add':
        return { ...next, members: [...members, ...newcomers(list, value)] }
      case 'remove':
        return without(next, value)
      case 'promote':
        return members.includes(value) && !admins.includes(value) ? { ...next, admins: [...admins, value] } : next
      case 'demote':
        return withHeir({ ...next, admins: admins.filter((admin) => admin !== value) })
      default:
        return next
    }
  }
}

const without = (list: List, user: string): List =>
  withHeir({
    ...list,
    members: list.members.filter((member) => member !== user),
    admins: list.admins.filter((admin) => admin !== user),
  })

/** As the server does it: without an admin who has been there for longest becomes one. */
const withHeir = (list: List): List => (list.admins.length > 0 ? list : { ...list, admins: list.members.slice(0, 1) })
