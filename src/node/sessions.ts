/** Who comes in: tokens, bans, public keys, and the sessions of devices. */
import type { Authenticate } from '../embed/authenticate.ts'
import { inTime } from '../embed/deadline.ts'
import { Keys } from '../hosts/keys/keys.ts'
import { presented } from '../hosts/lives.ts'
import { admission, checked } from '../hosts/sessions/admission.ts'
import { entrance } from '../hosts/sessions/entrance.ts'
import { Sessions } from '../hosts/sessions/sessions.ts'
import { Bans } from '../operations/bans.ts'
import type { Everywhere } from '../operations/operating.ts'
import type { Base } from './base.ts'

export type Entered = Awaited<ReturnType<typeof openSessions>>

export async function openSessions(base: Base) {
  const { options, store, onFault, clock, onEvent, cluster, runtime } = base
  const hooks = inTime(runtime, onFault)
  const authenticate: Authenticate = options.authenticate
    ? hooks.ask('authenticate', options.authenticate)
    : (token) => (token ? { user: token } : undefined)
  const bans = await Bans.load(store)
  const { limits } = options
  const enter = entrance({ authenticate, banned: (user) => bans.has(user), limits, clock, onFault, onEvent })
  const keys = keysOf(base, (...told) => anywhere.tell(...told))
  const allow = admission(options.allow && hooks.ask('allow', options.allow), base.media)
  const sessions = sessionsOf(base, { enter, keys, admit: checked((from, send) => keys.check(from, send), allow) })
  // What actors do with sessions: in a cluster with those of other nodes, too.
  const far = cluster?.sessions(sessions)
  const anywhere: Everywhere & Pick<Sessions, 'tell'> = cluster ? cluster.everywhere(sessions) : sessions
  return { hooks, bans, enter, keys, sessions, everywhere: far ?? sessions, anywhere }
}

const keysOf = ({ options, store, router, clock }: Base, tell: Sessions['tell']): Keys =>
  new Keys({
    store,
    router,
    limits: options.limits,
    clock,
    sealing: options.e2ee ?? 'off',
    realm: options.realm ?? '',
    isAlone: options.cluster === undefined,
    swallows: options.blocked === 'swallowed',
    tell,
  })

type Asked = Pick<ConstructorParameters<typeof Sessions>[0], 'enter' | 'admit'> & { readonly keys: Keys }

function sessionsOf({ options, store, term, life, ...base }: Base, { enter, admit, keys }: Asked): Sessions {
  const { runtime, router, onEvent, counts, cluster } = base
  return new Sessions({
    runtime,
    router,
    limits: { ...options.limits, lifetime: options.lifetime },
    heartbeatMs: options.heartbeatSeconds * 1000,
    enter,
    onEvent,
    counts,
    admit,
    keys: (asker, frame) => keys.answer(asker, frame),
    life,
    presented: (cursor) => presented(store, { term, life }, cursor),
    numbers: cluster?.numbers,
    ended: cluster?.ended,
    homeOf: cluster?.homeOf,
  })
}
