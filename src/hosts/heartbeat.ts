import { type NodeRouter, toUser } from '../../actors/addresses.ts'
import type { UserId } from '../protocol/ids.ts'

/** Users whose actors are told in one go. */
const slice = 100

/**
 * Devices that stay connected, and have nothing to acknowledge, are saved as seen now and then: were the node killed, they would
 * count as gone for as long as they had been connected. Answers how many are left in this round.
 */
export function staying(router: NodeRouter, connected: () => UserId[]): () => Promise<number> {
  let left: UserId[] = []
  return async () => {
    if (left.length === 0) left = connected()
    for (const user of left.splice(0, slice)) router.tell(toUser(user), { is: 'timer', timer: 'stay' })
    return left.length
  }
}
