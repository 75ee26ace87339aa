/** Who is connected, for those who run the node: page by page, in the order of their names. */
import type { UserId } from '../../protocol/ids.ts'

/** Those after one, at most so many. */
export type OnlinePage = { readonly after: string | undefined; readonly limit: number }

/** `count`: of all that are connected. `missing`: nodes that did not say in time who is there: their users are left out. */
export type Online = { readonly users: readonly string[]; readonly count: number; readonly missing?: readonly string[] }

/** `users`: with several devices several times. */
export function onlineAmong(users: readonly UserId[], { after, limit }: OnlinePage): Online {
  const all = [...new Set(users)]
  const later = after === undefined ? all : all.filter((user) => user > after)
  return { users: later.sort().slice(0, limit), count: all.length }
}

/** Of several nodes, none of which has a user whom another one has. */
export function onlineTogether(each: readonly Online[], missing: readonly string[], limit: number): Online {
  const users = each.flatMap(({ users }) => users)
  const count = each.reduce((sum, { count }) => sum + count, 0)
  return { users: users.sort().slice(0, limit), count, ...(missing.length > 0 && { missing: [...missing].sort() }) }
}
