/**
 * Erases what is kept of a user. Each step may be repeated, and all are where the whole is: what a crash leaves undone is done then, by the
 * next node, since the store knows that it was begun. The ban comes first and stays, so that none of their devices comes back meanwhile, nor later with what it has.
 */
import { type NodeRouter, toPresence, toUser } from '../../actors/addresses.ts'
import type { OnFault } from '../embed/faults.ts'
import { ask, SendRefused } from '../embed/post.ts'
import type { GroupId, UserId } from '../protocol/ids.ts'
import type { Clock } from '../runtime/index.ts'
import type { PeopleStore } from '../store/contract.ts'
import { leaveAll, type Undone } from './leaving.ts'
import { words } from './people.ts'
import { again, until } from './trying.ts'

type Context = {
  readonly router: NodeRouter
  readonly store: PeopleStore
  readonly clock: Pick<Clock, 'after' | 'monotonic' | 'soon'>
  readonly sessions: { devicesOf(user: UserId): readonly object[] | Promise<readonly object[]> }
  readonly ban: (user: UserId) => Promise<void>
  readonly isBanned: (user: UserId) => boolean
  /** Whether all nodes know of the ban. */
  readonly isKeptOut: (user: UserId) => Promise<boolean>
  /** Whether another node is erasing them, or may be. */
  readonly isElsewhere: (user: UserId) => Promise<boolean>
  readonly leave: (user: UserId, group: GroupId) => Promise<unknown>
  readonly forgetKeys: (user: UserId) => Promise<void>
  /** Whether this node goes on with what is left of the erasure of a user. */
  readonly isHere: (id: string) => boolean
  readonly onFault: OnFault
}

/**
 * A wipe has so long: on Cassandra it reads the keys of all histories, and were it given up while it goes on, whoever repeats it would begin
 * another, and none would ever end.
 */
const wipeMostMs = 14_400_000

/**
 * `left`: the groups that they were in. `undone`: those that could not be asked or left; the node goes on with them. `stays`: what is not
 * erased, in words.
 */
export type Erased = {
  readonly user: string
  readonly left: readonly string[]
  readonly undone: readonly Undone[]
  readonly stays: readonly string[]
}

export const notErased = [
  'what others got from them: it is in the inboxes and histories of those, and in the logs of groups',
  'their id: in the ban, in the log of each group that they were in, and in what others have',
  'how long their inbox was and how it is called, so that no number of it is given twice',
  'for a day the ids of the messages in it, by which a repeat is recognised',
  'the bytes of what was removed, until the store is compacted, and backups',
] as const

/** One that is not over. `undone`: what was in the way when it was tried last. */
export type Erasure = { readonly user: string; readonly running: boolean; readonly undone: readonly Undone[] }

export function erasing(context: Context) {
  const { store, isHere, isElsewhere, onFault } = context
  const underWay = new Map<UserId, Promise<Erased>>()
  const last = new Map<UserId, readonly Undone[]>()
  let resumes = false
  const once = async (user: UserId): Promise<Erased> => {
    const erased = await erase(context, user)
    last.set(user, erased.undone)
    if (erased.undone.length > 0) return erased
    await store.saveErasure(user, false)
    last.delete(user)
    return erased
  }
  /** Each user once at a time: who asks for the same meanwhile gets the same answer. */
  const start = (user: UserId): Promise<Erased> => {
    const known = underWay.get(user)
    if (known) return known
    const erased = once(user).finally(() => underWay.delete(user))
    underWay.set(user, erased)
    return erased
  }
  const resumeAll = async (users: readonly UserId[]): Promise<void> => {
    for (const user of users) {
      if (!isHere(user) || underWay.has(user)) continue
      // Operators may have let them in again while those before were erased.
      if (!(await isUnderWay(context, user))) continue
      const why = await start(user).then(({ undone }) => inWords(undone), words)
      if (why)
        onFault({ where: 'store', error: new Error(`the erasure of ${user} is not over, and goes on later: ${why}`) })
    }
  }
  return {
    erase: start,
    /** Goes on, behind whoever asks, with those that a node which ended has left, or that could not be done. */
    async resume(): Promise<void> {
      if (resumes) return
      resumes = true
      const ended = () => {
        resumes = false
      }
      const users = store.erasures()
      users.then(resumeAll).then(ended, ended)
      await users
    },
    isRunning: (user: UserId): boolean => underWay.has(user),
    /**
     * Nothing more is erased of a user, whom operators let in again. Rejects with SendRefused while it is running, on whatever node: what
     * they get once they are in would go with the rest.
     */
    async end(user: UserId): Promise<void> {
      const isRunning = async () => underWay.has(user) || (await isElsewhere(user))
      if (await isRunning()) throw new SendRefused('busy', '')
      await store.saveErasure(user, false)
      // One may have begun before that, and reads what it has begun from the store.
      if (await isRunning()) {
        await store.saveErasure(user, true)
        throw new SendRefused('busy', '')
      }
      last.delete(user)
    },
    async list(): Promise<readonly Erasure[]> {
      const users = new Set([...(await store.erasures()), ...underWay.keys()])
      return [...users].sort().map((user) => ({ user, running: underWay.has(user), undone: last.get(user) ?? [] }))
    },
  }
}

const inWords = (undone: readonly Undone[]): string => undone.map(({ group, why }) => `${group}: ${why}`).join('; ')

const isUnderWay = async ({ store }: Pick<Context, 'store'>, user: UserId): Promise<boolean> =>
  (await store.erasures()).includes(user)

/** That it is begun is durable first: whatever ends the node, it is gone on with. */
async function erase(context: Context, user: UserId): Promise<Erased> {
  await context.store.saveErasure(user, true)
  await context.ban(user)
  // One that does not know of it would let their devices in again.
  await until(context, () => context.isKeptOut(user))
  await until(context, async () => (await context.sessions.devicesOf(user)).length === 0)
  let gone: Omit<Erased, 'user' | 'stays'> = { left: [], undone: [] }
  try {
    await wipe(context, user)
    gone = await leaveAll(context, user, () => wipe(context, user))
    // What groups had for them has come by now, and goes as well.
    await wipe(context, user)
  } catch (error) {
    // Whom operators have let in again meanwhile, by another node, has what is theirs; else that node has done the rest.
    if (!isOver(error) || !context.isBanned(user)) throw error
    return { user, ...gone, stays: notErased }
  }
  await again(context, () => ask(context, '', toPresence(user), (ticket) => ({ is: 'forget', ticket }) as const))
  await context.forgetKeys(user)
  return { user, ...gone, stays: notErased }
}

/** The user's actor wipes nothing of whose erasure is over. */
const isOver = (error: unknown): boolean => error instanceof SendRefused && error.code === 'refused'

const wipe = (context: Context, user: UserId) =>
  again(context, () => ask(context, '', toUser(user), (ticket) => ({ is: 'wipe', ticket }) as const), wipeMostMs)
