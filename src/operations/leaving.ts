/** A user who is erased leaves all groups. One that is damaged, or out of reach, holds up none of the others. */
import { type NodeRouter, toGroup } from '../../actors/addresses.ts'
import { SendRefused } from '../embed/post.ts'
import type { GroupId, Millis, UserId } from '../protocol/ids.ts'
import type { Clock } from '../runtime/index.ts'
import type { PeopleStore } from '../store/contract.ts'
import { tiedGroups, words } from './people.ts'
import { again, mostMs, until } from './trying.ts'

type Context = {
  readonly router: NodeRouter
  readonly store: PeopleStore
  readonly clock: Pick<Clock, 'after' | 'monotonic' | 'soon'>
  readonly leave: (user: UserId, group: GroupId) => Promise<unknown>
}

/** A group of which the user may still be a member, and why. */
export type Undone = { readonly group: string; readonly why: string }

/** So often it is looked whether a group has handed out its last message, before the inbox, which may be full, is wiped again. */
const looksAWipe = 40

/**
 * `left`: the groups that they were in. Groups that follow each other and do not answer are waited for together as long as one is: each is
 * tried once.
 */
export async function leaveAll(
  context: Context,
  user: UserId,
  wipe: () => Promise<void>,
): Promise<{ readonly left: readonly GroupId[]; readonly undone: readonly Undone[] }> {
  const { clock } = context
  const [left, undone]: [GroupId[], Undone[]] = [[], []]
  let end = clock.monotonic() + mostMs
  for await (const { group, why } of tiedGroups(context, user)) {
    try {
      if (why !== undefined) throw new Error(why)
      if (await leaves(context, user, group, wipe, Math.max(0, end - clock.monotonic()))) left.push(group)
      end = clock.monotonic() + mostMs
    } catch (error) {
      undone.push({ group, why: words(error) })
    }
  }
  return { left, undone }
}

/** Resolves when the group has nothing more for them; with whether they were in it. */
async function leaves(
  context: Context,
  user: UserId,
  group: GroupId,
  wipe: () => Promise<void>,
  withinMs: Millis,
): Promise<boolean> {
  const { router } = context
  const isMember = (await router.query(toGroup(group), 'group'))?.members.includes(user) === true
  if (isMember) await again(context, () => context.leave(user, group).catch(unlessGone), withinMs)
  let looks = 0
  await until(
    context,
    async () => {
      if (!(await router.query(toGroup(group), 'ties')).includes(user)) return true
      // One that rests since a crash hands out what it has when it is told something.
      if (looks % looksAWipe === 0) router.tell(toGroup(group), { is: 'resume' })
      looks += 1
      if (looks % looksAWipe === 0) await wipe()
      return false
    },
    withinMs,
  )
  return isMember
}

/** Somebody else has taken them out. */
function unlessGone(error: unknown): void {
  if (!(error instanceof SendRefused && error.code === 'not_a_member')) throw error
}
