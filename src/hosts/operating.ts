/** What whoever runs a node does to its users' sessions. */
import { type DeviceId, isId, isUserId } from '../protocol/ids.ts'
import type { Limits } from '../protocol/limits.ts'
import { SendRefused } from './program.ts'
import type { Sessions } from './sessions.ts'

type Context = { readonly sessions: Sessions; readonly limits: Limits }

export const asOperator = ({ sessions, limits }: Context) => ({
  disconnect(user: string, device?: string): void {
    if (!isUserId(user, limits.idLength)) throw new SendRefused('bad_id', '')
    if (device !== undefined && !isId(device, limits.idLength)) throw new SendRefused('bad_id', '')
    sessions.disconnect(user, device as DeviceId | undefined, 'disconnected')
  },
})
