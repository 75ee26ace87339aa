/** What links between nodes run on, in the place of gRPC: each batch arrives in its order, after a hop. */
import { unpack } from '../../../src/cluster/link/batch.ts'
import type { Serving, WireEvents } from '../../../src/cluster/link/grpc.ts'
import type { Wire } from '../../../src/cluster/link/link.ts'

type Opened = (wire: Wire) => WireEvents

/** Set by whoever has the time: carries something to the other end; and whether the node of a name is dead, of which nothing comes and which hears nothing. */
export const road: { carry: (run: () => void) => void; isDead: (name: string) => boolean } = {
  carry: (run) => run(),
  isDead: () => false,
}

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
  const names = new Set<string>()
  const far: WireEvents = accept(wireTo(names, () => near))
  const near: WireEvents = opened(wireTo(names, () => far))
}

/** `names`: of the two at its ends, as each says in its first batch. */
function wireTo(names: Set<string>, other: () => WireEvents): Wire {
  let greeted = false
  const carry = (run: () => void) => road.carry(() => [...names].some(road.isDead) || run())
  const end = () => carry(() => other().ended('it closed the link'))
  return {
    write(batch) {
      const copy = Uint8Array.from(batch)
      const [, hello] = greeted ? [] : (unpack(copy)[0] ?? [])
      greeted = true
      if (Array.isArray(hello)) names.add(hello[0] as string)
      carry(() => other().received(copy))
      return true
    },
    end,
    cut: end,
  }
}
