/** What comes over the links of a node: for the sessions of its sockets it is heeded here, and for actors by its router. */
import type { SessionRef } from '../../actors/session/ref.ts'
import type { LinkFrame } from '../cluster/link/batch.ts'
import type { Link } from '../cluster/link/link.ts'
import { type LinkOptions, Links, type LinkUser } from '../cluster/link/links.ts'
import type { RunningMember } from '../cluster/running.ts'
import type { ClusterOptions } from '../embed/cluster.ts'
import type { OnFault } from '../embed/faults.ts'
import { onlineAmong } from '../hosts/sessions/online.ts'
import type { Sessions } from '../hosts/sessions/sessions.ts'
import type { UserId } from '../protocol/ids.ts'
import type { FarSessions } from './far.ts'
import { isPatient, kinds } from './frames.ts'
import type { Forwarding } from './router.ts'
import { otherHooks } from './words.ts'

/** What is there only when the node has been put together. */
type Context = {
  readonly member: () => RunningMember | undefined
  readonly forwarding: () => Forwarding | undefined
  readonly sessions: () => Sessions
  readonly far: () => FarSessions | undefined
  /** A user was banned on another node, or let in again. */
  readonly banned: (user: UserId, banned: boolean) => void
  /** Whether this node is erasing a user. */
  readonly isErasing: (user: UserId) => boolean
  /** What this node tells a service; '': it tells none. */
  readonly webhooks: string
  readonly onFault: OnFault
}

/** The links of a node, as its options have them. */
export function linksOf(
  { name, link = {}, secret, tls }: ClusterOptions,
  node: Pick<LinkOptions, 'clock' | 'life' | 'shards'>,
  user: LinkUser,
): Links {
  const { host = '127.0.0.1', port = 0 } = link
  const bytes = typeof secret === 'string' ? new TextEncoder().encode(secret) : (secret ?? null)
  return new Links({ ...node, name, cluster: 'bluetick', host, port, secret: bytes, tls: tls ?? null }, user)
}

export function hearing(context: Context): LinkUser {
  const { member, forwarding, webhooks } = context
  return {
    beat: () => [member()?.valid() ?? false],
    isDead: (life) => member()?.state.dead.has(life) ?? false,
    opened: (link) => {
      link.tell([kinds.webhooks, webhooks])
      forwarding()?.opened(link)
    },
    heard: (link, frame) => hear(context, link, frame),
    isPatient,
    beaten: (_, [valid]) => member()?.tell({ is: 'beat', valid: valid === true }),
    lost: (link) => {
      forwarding()?.lost(link)
      member()?.tell({ is: 'silent' })
    },
    warned: (text) => warn(context, text),
  }
}

function warn({ onFault }: Context, text: string): void {
  onFault({ where: 'cluster', error: new Error(text) })
}

function hear(context: Context, link: Link, frame: LinkFrame): void {
  const { sessions, far, banned, forwarding, webhooks } = context
  const [kind, first, second, third, fourth] = frame
  switch (kind) {
    case kinds.push:
      return sessions().push(first as SessionRef, second as never)
    case kinds.hint:
      return sessions().hint(first as SessionRef, second as never)
    case kinds.session:
      return far()?.heed(first as SessionRef, second as string, third)
    case kinds.disconnect: {
      const count = sessions().disconnect(second as UserId, (third ?? undefined) as never, fourth as never)
      return link.tell([kinds.reply, first, count])
    }
    case kinds.devices:
      return link.tell([kinds.reply, first, sessions().devicesOf(second as UserId)])
    case kinds.online: {
      const page = { after: (second ?? undefined) as string | undefined, limit: third as number }
      return link.tell([kinds.reply, first, onlineAmong(far()?.users() ?? [], page)])
    }
    case kinds.erasing:
      return link.tell([kinds.reply, first, context.isErasing(second as UserId)])
    case kinds.device:
      return sessions().tell(first as UserId, second as never, third as never)
    case kinds.ban:
      banned(first as UserId, second as boolean)
      return link.tell([kinds.reply, third, true])
    case kinds.webhooks: {
      const other = otherHooks(webhooks, first as string, link.peer?.name ?? 'a node')
      return other === undefined ? undefined : warn(context, other)
    }
    default:
      return forwarding()?.heard(link, frame)
  }
}
