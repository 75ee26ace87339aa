/**
 * What is in a sealed body for a group: as a device sends it, and as the group's log keeps it. The text stands in it once, and in the parts
 * is the key that reads it; each member's inbox gets what is for that member (parts.ts).
 */
import type { DeviceId, UserId } from '../ids.ts'
import { isId } from '../ids.ts'
import { compact, compactIn, numberIn } from './bytes.ts'
import {
  body,
  type DevicePart,
  fieldsOf,
  forms,
  type Kind,
  keptBody,
  kindOf,
  listOf,
  partsIn,
  textIn,
} from './parts.ts'

/** Members of a group whose messages are sealed. */
export const sealedMembers = 128

type ForMember = { readonly user: UserId; readonly parts: readonly DevicePart[] }
/** `n`, `mine`: the number of the last link of each member, and of the sender, that the sender knows. `own`: for the sender's other devices. */
export type GroupSent = Kind & {
  readonly mine: number
  readonly own: readonly DevicePart[]
  readonly shared: Uint8Array
  readonly members: readonly (ForMember & { readonly n: number })[]
}
/** `from`: the device that has written it. */
export type Posted = Kind & {
  readonly from: DeviceId
  readonly shared: Uint8Array
  readonly members: readonly ForMember[]
}

export const groupBody = ({ mine, own, shared, members, ...kind }: GroupSent): Uint8Array =>
  body(
    kind,
    forms.group,
    mine,
    listOf(own),
    shared,
    compact(members.flatMap(({ user, n, parts }) => [user, n, listOf(parts)])),
  )

export const postedBody = ({ from, shared, members, ...kind }: Posted): Uint8Array =>
  body(kind, forms.posted, from, shared, compact(members.flatMap(({ user, parts }) => [user, listOf(parts)])))

/** undefined: not such a body, or not well formed. */
export function groupIn(bytes: Uint8Array, idLength: number): GroupSent | undefined {
  const [last, list, shared, listed, ...more] = fieldsOf(bytes, forms.group) ?? []
  const mine = numberIn(last)
  if (mine === undefined || !list || !shared || !listed || more.length > 0) return undefined
  const own = partsIn(list, idLength)
  const fields = compactIn(listed)
  if (!own || !fields || fields.length % 3 !== 0 || fields.length > 3 * sealedMembers) return undefined
  const members: (ForMember & { readonly n: number })[] = []
  for (let at = 0; at < fields.length; at += 3) {
    const [name, link, list] = fields.slice(at, at + 3)
    const [user, n, parts] = [textIn(name), numberIn(link), list && partsIn(list, idLength)]
    if (n === undefined || !parts || !isId(user, idLength)) return undefined
    members.push({ user: user as UserId, n, parts })
  }
  if (new Set(members.map(({ user }) => user)).size < members.length) return undefined
  return { mine, own, shared, members, ...kindOf(bytes) }
}

/** What each member's inbox keeps of what the log has. Who was given nothing gets nothing but who wrote it, and the value of a change. */
export function keptIn(posted: Uint8Array): (member: UserId) => Uint8Array {
  const [name, shared, listed] = fieldsOf(posted, forms.posted) ?? []
  const [from, kind, fields] = [textIn(name) as DeviceId, kindOf(posted), (listed && compactIn(listed)) ?? []]
  const lists = new Map(fields.flatMap((user, at) => (at % 2 === 0 ? [[textIn(user), fields[at + 1]] as const] : [])))
  return (member) => {
    const list = lists.get(member)
    const parts = (list && partsIn(list, Number.MAX_SAFE_INTEGER)) ?? []
    return keptBody({ ...kind, from, parts, shared: parts.length > 0 ? shared : undefined })
  }
}
