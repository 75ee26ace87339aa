/** What whoever runs a node does to its users' sessions. */

import { SendRefused } from '../embed/program.ts'
import type { Sessions } from '../hosts/sessions/sessions.ts'
import { type DeviceId, isId, isUserId, type UserId } from '../protocol/ids.ts'
import type { Limits } from '../protocol/limits.ts'
import type { Bans } from './bans.ts'

type Context = { readonly sessions: Sessions; readonly bans: Bans; readonly limits: Limits }

export function asOperator({ sessions, bans, limits }: Context) {
  const userOf = (user: string): UserId => {
    if (!isUserId(user, limits.idLength)) throw new SendRefused('bad_id', '')
    return user
  }
  return {
    disconnect(user: string, device?: string): number {
      if (device !== undefined && !isId(device, limits.idLength)) throw new SendRefused('bad_id', '')
      return sessions.disconnect(userOf(user), device as DeviceId | undefined, 'disconnected')
    },
    async ban(user: string): Promise<void> {
      await bans.set(userOf(user), true)
      sessions.disconnect(userOf(user), undefined, 'banned')
    },
    unban: async (user: string): Promise<boolean> => bans.set(userOf(user), false),
    bans: (): readonly string[] => bans.list(),
  }
}
