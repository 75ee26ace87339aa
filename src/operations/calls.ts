/** What operators call of a node. */
import type { Broadcast, BroadcastResult } from '../embed/broadcast.ts'
import type { asMembers } from '../embed/groups.ts'
import type { SendAs } from '../embed/program.ts'
import type { Position } from '../protocol/ids.ts'
import type { asOperator } from './operating.ts'
import type { DeadWebhook } from './webhooks/sending.ts'

export type BluetickCalls = ReturnType<typeof asOperator> &
  ReturnType<typeof asMembers> & {
    readonly send: (message: SendAs) => Promise<Position>
    readonly broadcast: (message: Broadcast) => Promise<readonly BroadcastResult[]>
    readonly stats: () => unknown
    readonly deadWebhooks: () => Promise<readonly DeadWebhook[]>
    readonly cluster: () => unknown
    readonly drain: () => void
  }
