/** What the program that embeds a node does with groups, as any of their members. */
import { toGroup } from '../../actors/addresses.ts'
import type { KnownGroup } from '../../actors/group/types.ts'
import { bodySize } from '../protocol/frames.ts'
import { type Change, isChange } from '../protocol/group.ts'
import { isGroupId, isMessageId, isUserId, type Position } from '../protocol/ids.ts'
import type { Limits } from '../protocol/limits.ts'
import { checkOptions, isAny, type Rule } from '../protocol/options.ts'
import type { Clock } from '../runtime/index.ts'
import { type Posting, partId, post, SendRefused } from './post.ts'

/** What a program may change of a group that there is. */
export const groupChanges = [
  'rename',
  'add',
  'remove',
  'promote',
  'demote',
  'history',
  'lifetime',
  'join',
  'leave',
] as const satisfies Change[]

export type NewGroup = {
  /** Its first member and admin. */
  readonly by: string
  readonly name: string
  readonly members?: readonly string[]
  /** Repeat it on a retry: the group is then made once. Default: a new UUID. */
  readonly id?: string
}

export type GroupChange = {
  /** Who changes it: an admin, or for `leave` and `join` the user themselves. */
  readonly by: string
  readonly group: string
  readonly change: (typeof groupChanges)[number]
  /** As the message of a client says it (docs/protocol.md): a name, a user, users each in a line, a number, a lifetime. */
  readonly value: string
  /** Repeat it on a retry. Default: a new UUID. */
  readonly id?: string
}

type Context = Posting & { readonly clock: Pick<Clock, 'uuid'>; readonly limits: Limits }

/** Users that one message adds. */
const addedAtOnce = 64
const newRules: Record<keyof NewGroup, Rule> = { by: isAny, name: isAny, members: isAny, id: isAny }
const changeRules: Record<keyof GroupChange, Rule> = { by: isAny, group: isAny, change: isAny, value: isAny, id: isAny }

export function asMembers(context: Context) {
  const { router, limits, clock } = context
  const change = (by: string, group: string, what: Change, value: string, id: string, again: boolean) => {
    if (!isUserId(by, limits.idLength) || !isGroupId(group, limits.idLength) || !isMessageId(id))
      throw new SendRefused('bad_id', id)
    if (!isChange(what, value, limits.idLength)) throw new SendRefused('bad_frame', id)
    if (bodySize(value) > limits.bodyBytes) throw new SendRefused('too_large', id)
    return post(context, { from: by, to: group, id, body: value, change: what, again })
  }
  return {
    /** Answers the id of the group, when all members are in it, or are asked whether they will be. */
    async createGroup(group: NewGroup): Promise<string> {
      checkOptions('createGroup', group, newRules, ['by', 'name'])
      const { by, name, members = [], id: given } = group
      const [id, again] = [given ?? clock.uuid(), given !== undefined]
      if (!Array.isArray(members) || !members.every((user) => isUserId(user, limits.idLength)))
        throw new SendRefused('bad_id', id)
      const made = `#${id}`
      await change(by, made, 'create', name, id, again)
      const others = [...new Set<string>(members)].filter((user) => user !== by)
      for (let at = 0; at < others.length; at += addedAtOnce)
        await change(by, made, 'add', others.slice(at, at + addedAtOnce).join('\n'), partId(id, String(at)), again)
      return made
    },
    async changeGroup(wanted: GroupChange): Promise<Position> {
      checkOptions('changeGroup', wanted, changeRules, ['by', 'group', 'change', 'value'])
      const { by, group, change: what, value, id } = wanted
      if (!groupChanges.includes(what)) throw new SendRefused('bad_frame', id ?? '')
      return change(by, group, what, value, id ?? clock.uuid(), id !== undefined)
    },
    /** undefined: there is none. */
    async group(group: string): Promise<(KnownGroup & { readonly id: string }) | undefined> {
      if (!isGroupId(group, limits.idLength)) throw new SendRefused('bad_id', '')
      const known = await router.query(toGroup(group), 'group')
      return known && { id: group, ...known }
    },
  }
}
