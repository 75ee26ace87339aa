/** The protocols that the generator speaks to other servers. */
import { centrifugo } from './centrifugo.ts'
import { mqtt } from './mqtt.ts'
import { nats } from './nats.ts'
import { socketIo } from './socket-io.ts'
import type { Wire } from './user.ts'

export const wires = { centrifugo, mqtt, nats, socketIo } as const satisfies Record<string, Wire>
export type WireName = keyof typeof wires
