/** What links between nodes run on, in the place of gRPC: each batch arrives in its order, after a hop. */

import type { Serving, WireEvents } from '../../../src/cluster/link/grpc.ts'
import type { Wire } from '../../../src/cluster/link/link.ts'

type Opened = (wire: Wire) => WireEvents

/** Set by whoever has the time: carries something to the other end. */
export const road: { carry: (run: () => void) => void } = { carry: (run) => run() }

const served = new Map<number, Opened>()
let last = 0

export async function serve(_host: string, port: number, _tls: unknown, opened: Opened): Promise<Serving> {
  last += 1
  const at = port || last
  served.set(at, opened)
  return { port: at, close: () => void served.delete(at) }
}

export async function dial(address: string, _tls: unknown, opened: Opened): Promise<void> {
  const accept = served.get(Number(address.split(':').at(-1)))
  if (!accept) throw new Error('nobody is there')
  const far: WireEvents = accept(wireTo(() => near))
  const near: WireEvents = opened(wireTo(() => far))
}

function wireTo(other: () => WireEvents): Wire {
  const end = () => road.carry(() => other().ended('it closed the link'))
  return {
    write(batch) {
      const copy = Uint8Array.from(batch)
      road.carry(() => other().received(copy))
      return true
    },
    end,
    cut: end,
  }
}
