/**
 * Erases what is kept of a user. Each step may be repeated, and all are where the whole is: what a crash leaves undone is done then. The
 * ban comes first and stays, so that none of their devices comes back meanwhile, nor later with what it has.
 */
import { type NodeRouter, toGroup, toPresence, toUser } from '../../actors/addresses.ts'
import { ask, SendRefused } from '../embed/post.ts'
import type { GroupId, UserId } from '../protocol/ids.ts'
import type { Clock } from '../runtime/index.ts'
import type { PeopleStore } from '../store/contract.ts'
import { tiedGroups } from './people.ts'

type Context = {
  readonly router: NodeRouter
  readonly store: PeopleStore
  readonly clock: Pick<Clock, 'after' | 'monotonic' | 'soon'>
  readonly sessions: { devicesOf(user: UserId): readonly object[] | Promise<readonly object[]> }
  readonly ban: (user: UserId) => Promise<void>
  readonly leave: (user: UserId, group: GroupId) => Promise<unknown>
  readonly forgetKeys: (user: UserId) => Promise<void>
}

/** `left`: the groups that they were in. `stays`: what is not erased, in words. */
export type Erased = { readonly user: string; readonly left: readonly string[]; readonly stays: readonly string[] }

export const notErased = [
  'what others got from them: it is in the inboxes and histories of those, and in the logs of groups',
  'their id: in the ban, in the log of each group that they were in, and in what others have',
  'how long their inbox was and how it is called, so that no number of it is given twice',
  'for a day the ids of the messages in it, by which a repeat is recognised',
  'the bytes of what was removed, until the store is compacted, and backups',
] as const

/**
 * What is refused for now is tried again after this time, for so long. A wipe has longer: on Cassandra it reads the keys of all histories,
 * and were it given up while it goes on, whoever repeats it would begin another, and none would ever end.
 */
const [againMs, mostMs, wipeMostMs] = [100, 300_000, 14_400_000]
/** So often it is looked whether a group has handed out its last message, before the inbox, which may be full, is wiped again. */
const looksAWipe = 40

/** Each user once at a time: who asks for the same meanwhile gets the same answer. */
export function erasing(context: Context): (user: UserId) => Promise<Erased> {
  const underWay = new Map<UserId, Promise<Erased>>()
  return (user) => {
    const known = underWay.get(user)
    if (known) return known
    const erased = erase(context, user).finally(() => underWay.delete(user))
    underWay.set(user, erased)
    return erased
  }
}

async function erase(context: Context, user: UserId): Promise<Erased> {
  await context.ban(user)
  await until(context, async () => (await context.sessions.devicesOf(user)).length === 0)
  await wipe(context, user)
  const left: GroupId[] = []
  for await (const group of tiedGroups(context, user)) if (await leaves(context, user, group)) left.push(group)
  // What groups had for them has come by now, and goes as well.
  await wipe(context, user)
  await again(context, () => ask(context, '', toPresence(user), (ticket) => ({ is: 'forget', ticket }) as const))
  await context.forgetKeys(user)
  return { user, left, stays: notErased }
}

const wipe = (context: Context, user: UserId) =>
  again(context, () => ask(context, '', toUser(user), (ticket) => ({ is: 'wipe', ticket }) as const), wipeMostMs)

/** Resolves when the group has nothing more for them; with whether they were in it. */
async function leaves(context: Context, user: UserId, group: GroupId): Promise<boolean> {
  const { router } = context
  const isMember = (await router.query(toGroup(group), 'group'))?.members.includes(user) === true
  if (isMember) await again(context, () => context.leave(user, group).catch(unlessGone))
  let looks = 0
  await until(context, async () => {
    if (!(await router.query(toGroup(group), 'ties')).includes(user)) return true
    // One that rests since a crash hands out what it has when it is told something.
    if (looks % looksAWipe === 0) router.tell(toGroup(group), { is: 'resume' })
    looks += 1
    if (looks % looksAWipe === 0) await wipe(context, user)
    return false
  })
  return isMember
}

/** Somebody else has taken them out. */
function unlessGone(error: unknown): void {
  if (!(error instanceof SendRefused && error.code === 'not_a_member')) throw error
}

const pause = ({ clock }: Context): Promise<void> => new Promise((resolve) => clock.after(againMs, resolve))

async function until(context: Context, isSo: () => Promise<boolean>, withinMs = mostMs): Promise<void> {
  const end = context.clock.monotonic() + withinMs
  while (!(await isSo())) {
    if (context.clock.monotonic() > end) throw new SendRefused('busy', '')
    await pause(context)
  }
}

/** What is refused for now is asked again. */
async function again(context: Context, task: () => Promise<unknown>, withinMs = mostMs): Promise<void> {
  const isDone = async () => {
    try {
      await task()
      return true
    } catch (error) {
      if (error instanceof SendRefused && error.retry) return false
      throw error
    }
  }
  await until(context, isDone, withinMs)
}
