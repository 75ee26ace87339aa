/** Who a user is, for the person who looks at it. */
import { UsageError } from '../errors.ts'
import type { Engine } from './engine.ts'
import type { Line } from './line.ts'
import { safetyNumber } from './number.ts'
import { rootOf, waits } from './pins.ts'
import type { UserIdentity } from './types.ts'

/** Asks the server where nothing is known. Rejects with a UsageError where there are no keys. */
export async function identityOf({ pins, user: me, realm }: Engine, line: Line, user: string): Promise<UserIdentity> {
  const [theirs, mine] = [await pins.known(line, user), await pins.known(line, me)]
  const [root, own] = [theirs.chain.members[0], mine.chain.members[0]]
  if (!root || !own) throw new UsageError('no_keys', `${root ? me : user} has no keys`)
  const roots = [
    { user: me, identity: own.identity },
    { user, identity: root.identity },
  ] as const
  return {
    // 60 ms: only where somebody looks at it.
    get safetyNumber() {
      return safetyNumber(realm, ...roots)
    },
    verified: theirs.verified === rootOf(theirs.chain),
    devices: theirs.chain.members.map(({ device }) => device),
    waits: waits(theirs),
    forked: theirs.forked === true,
  }
}
