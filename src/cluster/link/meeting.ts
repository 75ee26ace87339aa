/** Whether a member takes this node for one of its cluster, before it is one. */

import { deadline } from '../../runtime/clock.ts'
import type { MemberRow } from '../../store/contract.ts'
import { dial, type LinkTls } from './grpc.ts'
import { Link, type LinkHost } from './link.ts'

/** Milliseconds for a node that runs to answer, on a machine that is starved. */
const meetMs = 3_000

/** `refused`: it is that member, and has another secret. `away`: nobody knows what it is. */
export type Met = { readonly is: 'met' } | { readonly is: 'refused' | 'away'; readonly why: string }

/** It proves that it has the secret, and that is all: the link closes before it opens at the other end. */
export function meet(host: LinkHost, row: MemberRow, tls: LinkTls | null): Promise<Met> {
  return new Promise((resolve) => {
    const greeter: LinkHost = {
      ...host,
      opened: (link) => {
        resolve({ is: 'met' })
        link.close('they have met')
      },
      closed: ({ peer }, why, refused) => resolve({ is: refused && peer?.life === row.life ? 'refused' : 'away', why }),
    }
    dial(row.link, tls, (wire) => {
      const link = new Link(greeter, wire, row.life)
      const answered = deadline(meetMs, () => link.close(`it does not answer within ${meetMs / 1_000} s`))
      return {
        received: (batch) => link.received(batch),
        drained: () => link.drained(),
        ended: (why) => {
          answered()
          link.close(why)
        },
      }
    }).catch(({ message }: Error) => resolve({ is: 'away', why: message }))
  })
}
