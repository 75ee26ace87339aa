/** The start of a node: its stores are opened, its hosts started, and its sockets opened. */
import { Counts, countedFaults } from '../embed/counts.ts'
import { type OnFault, warnings } from '../embed/faults.ts'
import type { CompleteOptions } from '../embed/options.ts'
import { Gateway } from '../gateway/gateway.ts'
import { mediaRoute } from '../gateway/media.ts'
import { Origins } from '../gateway/origin.ts'
import { routes } from '../gateway/routes.ts'
import { removedDevices } from '../hosts/sessions/entrance.ts'
import { Audit } from '../operations/audit.ts'
import { drainSessions } from '../operations/draining.ts'
import { healthRoute } from '../operations/health.ts'
import { Operators } from '../operations/operators.ts'
import { adminRoute, metricsRoute } from '../operations/routes.ts'
import type { Millis } from '../protocol/ids.ts'
import { systemClock } from '../runtime/index.ts'
import type { StoreEvents } from '../store/contract.ts'
import type { Broke } from './base.ts'
import { drain, shut } from './ending.ts'
import { type Hosts, startHosts } from './hosts.ts'

/** Where a node listens. */
export type Where = { host?: string; port?: number; shared?: boolean }

/** Starts, and listens; where it cannot, everything is closed again. */
export async function listening(options: CompleteOptions, { host, port, shared }: Required<Where>, broke: Broke) {
  const started = await start(options, broke)
  const bound = await started.gateway.listen(host, port, shared).catch(async (error) => {
    await started.close()
    throw error
  })
  return { ...started, port: bound }
}

async function start(options: CompleteOptions, broke: Broke) {
  const heard = options.onFault ?? warnings(systemClock)
  // One that throws is the embedder's bug, and must not cost anybody here a turn.
  const counts = new Counts()
  const onFault = countedFaults(counts, (fault) => systemClock.soon(() => heard(fault)))
  await openStores(options, onFault, broke)
  const hosts = await startHosts(options, onFault, systemClock, {}, counts, broke)
  try {
    await hosts.join()
  } catch (error) {
    await shut(hosts, options.store)
    throw error
  }
  return withSockets(options, onFault, hosts)
}

/** Both stores are open, or none. `broke`: one can write no more. */
async function openStores({ store, media }: CompleteOptions, onFault: OnFault, broke: Broke) {
  const eventsOf = (where: 'store' | 'media'): StoreEvents => ({
    damaged: (error) => onFault({ where, error }),
    broke: (error) => {
      onFault({ where, error })
      broke(error)
    },
  })
  await store.open(eventsOf('store'))
  try {
    await media?.open(eventsOf('media'))
  } catch (error) {
    await store.close()
    throw error
  }
}

function withSockets(options: CompleteOptions, onFault: OnFault, hosts: Hosts) {
  const { store, limits, heartbeatSeconds, trusts } = options
  const { node, cluster, clock, router, sessions, media, enter, onEvent, metrics } = hosts
  const asksToken = options.authenticate !== undefined
  const refused = (why: string) => onFault({ where: 'origin', error: why })
  const origins = new Origins({ asksToken, allowed: options.allowOrigins, refused }, clock)
  const operators = new Operators({ token: options.operatorToken, open: !asksToken, limits, clock })
  const audit = new Audit(onEvent, clock)
  const sealing = options.e2ee ?? 'off'
  let stops = false
  const leave = (overMs: Millis, hurried: () => boolean) => {
    stops = true
    return drainSessions(clock, sessions, overMs, hurried)
  }
  const standing = () => (stops ? 'the node is stopping' : (cluster?.standing ?? 'up'))
  const isReady = () => standing() === 'up'
  const route = routes({
    health: healthRoute(store, standing, cluster !== undefined),
    media: mediaRoute({ media, enter, removed: removedDevices(router), origins }),
    operators: adminRoute({ operators, node, onEvent, audit }),
    metrics: metricsRoute({ operators, metrics }),
    sealing: sealing === 'off' ? undefined : { realm: options.realm ?? '', required: sealing === 'required' },
  })
  const gateway = new Gateway(sessions, { limits, heartbeatSeconds, origins, trusts, route, isReady, onEvent })
  const close = () => {
    audit.end()
    return drain(hosts, gateway, store)
  }
  return { node: { ...node, metrics: metrics.read }, gateway, leave, close }
}
