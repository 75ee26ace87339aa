/** What whoever runs a node asks of it, and does to its users' sessions. */
import type { NodeRouter } from '../../actors/addresses.ts'
import type { OnFault } from '../embed/faults.ts'
import { SendRefused } from '../embed/post.ts'
import type { Online, OnlinePage } from '../hosts/sessions/online.ts'
import type { Sessions } from '../hosts/sessions/sessions.ts'
import type { NodeMedia } from '../media/media.ts'
import {
  type DeviceId,
  type GroupId,
  isChatId,
  isCount,
  isId,
  isMessageId,
  isUserId,
  type UserId,
} from '../protocol/ids.ts'
import type { Limits } from '../protocol/limits.ts'
import { checkOptions, isText, type Rule } from '../protocol/options.ts'
import type { Clock } from '../runtime/index.ts'
import type { HistoryStore, KeyStore, LogStore, PeopleStore, SettingsStore, TraceStore } from '../store/contract.ts'
import type { Bans } from './bans.ts'
import { deleteMessage } from './deleting.ts'
import { type Erased, erasing } from './erasing.ts'
import { exported } from './exporting.ts'
import { inspectMessage, inspectUser } from './inspect.ts'
import { usersAfter } from './people.ts'

/** `node`: by which of several. */
type Device = ReturnType<Sessions['devicesOf']>[number] & { readonly node?: string }

/** Sessions, wherever they are. */
export type Everywhere = {
  online(page: OnlinePage): Online | Promise<Online>
  disconnect(...who: Parameters<Sessions['disconnect']>): number | Promise<number>
  devicesOf(user: UserId): readonly Device[] | Promise<readonly Device[]>
  /** Tells the other nodes that a user is banned, or let in again; with whether all know it now. Missing: there are none. */
  tellBan?(user: UserId, banned: boolean): Promise<boolean>
  /** Whether another node is erasing a user, or may be. Missing: there are none. */
  isErasing?(user: UserId): Promise<boolean>
}

type Context = {
  readonly sessions: Everywhere
  readonly bans: Bans
  readonly limits: Limits
  readonly router: NodeRouter
  readonly store: LogStore & HistoryStore & SettingsStore & TraceStore & KeyStore & PeopleStore
  readonly term: number
  readonly clock: Clock
  readonly media: NodeMedia | undefined
  /** A user leaves a group. */
  readonly leave: (user: UserId, group: GroupId) => Promise<unknown>
  /** What is remembered of a user's public keys goes. */
  readonly forgetKeys: (user: UserId) => Promise<void>
  /** Whether this node goes on with the erasure of a user, of several nodes. */
  readonly isHere: (id: string) => boolean
  readonly onFault: OnFault
}

/** Which users: those after one, at most so many. */
export type Page = { readonly after?: string; readonly limit?: number }

/** Users of one page: of the longest ids 0.3 MB. */
const usersAtOnce = 1_000

const isCounted: Rule = { words: 'a whole number from 1', fits: (value) => isCount(value) && value > 0 }

export function asOperator(context: Context) {
  const { sessions, bans, limits, router, store, term, clock } = context
  const userOf = (user: string): UserId => {
    if (!isUserId(user, limits.idLength)) throw new SendRefused('bad_id', '')
    return user
  }
  // Who was not reached reads it from the store within half a minute.
  const isKnown = async (user: UserId, banned: boolean): Promise<boolean> =>
    (await sessions.tellBan?.(user, banned).catch(() => false)) ?? true
  const ban = async (user: string): Promise<void> => {
    await bans.set(userOf(user), true)
    await isKnown(userOf(user), true)
    await sessions.disconnect(userOf(user), undefined, 'banned')
  }
  const erasures = erasing({
    ...context,
    ban,
    isBanned: (user) => bans.has(user),
    isKeptOut: (user) => isKnown(user, true),
    isElsewhere: async (user) => (await sessions.isErasing?.(user)) ?? false,
  })
  return {
    async online(page: Page = {}): Promise<Online> {
      checkOptions('online', page, { after: isText, limit: isCounted })
      const { after, limit = 100 } = page
      return sessions.online({ after, limit: Math.min(limit, usersAtOnce) })
    },
    async users(page: Page = {}): Promise<{ readonly users: readonly string[]; readonly next: string | null }> {
      checkOptions('users', page, { after: isText, limit: isCounted })
      const { after = null, limit = 100 } = page
      return usersAfter(context, after as UserId | null, Math.min(limit, usersAtOnce))
    },
    sessions: async (user: string) => sessions.devicesOf(userOf(user)),
    disconnect(user: string, device?: string): number | Promise<number> {
      if (device !== undefined && !isId(device, limits.idLength)) throw new SendRefused('bad_id', '')
      return sessions.disconnect(userOf(user), device as DeviceId | undefined, 'disconnected')
    },
    ban,
    async unban(user: string): Promise<boolean> {
      await erasures.end(userOf(user))
      const was = await bans.set(userOf(user), false)
      await isKnown(userOf(user), false)
      return was
    },
    bans: (): readonly string[] => bans.list(),
    inspect: async (user: string) =>
      isChatId(user, limits.idLength) ? inspectUser(router, store, term, user, clock.now()) : undefined,
    eraseUser: async (user: string): Promise<Erased> => erasures.erase(userOf(user)),
    erasures: () => erasures.list(),
    resumeErasures: () => erasures.resume(),
    isErasing: (user: UserId): boolean => erasures.isRunning(user),
    exportUser: (user: string): AsyncIterable<string> => exported(context, userOf(user)),
    async deleteMessage(id: string): Promise<readonly string[]> {
      if (!isMessageId(id)) throw new SendRefused('bad_id', id)
      return deleteMessage({ router, store, now: clock.now() }, id)
    },
    trace: async (id: string) => (isMessageId(id) ? inspectMessage(router, store, id, clock.now()) : []),
  }
}
