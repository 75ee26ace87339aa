/** What a supervisor or a load balancer asks: whether the process answers, and whether the node can do its work. */
import { type Answer, type Route, text } from '../gateway/http.ts'
import type { HealthStore } from '../store/contract.ts'

/**
 * `standing`: of a node in a cluster, or of one that is about to stop. `isOne`: of several nodes; then a store that is not well is all nodes'
 * store, and those who are here are to stay.
 */
export function healthRoute(store: HealthStore, standing: () => string = () => 'up', isOne = false): Route {
  return ({ path }) => {
    if (path === '/healthz') return text(200, 'ok\n')
    if (path !== '/readyz') return undefined
    // A load balancer shall send nobody here, and leave who is here: HAProxy does so by `http-check disable-on-404`.
    return standing() === 'up' ? ready(store, isOne ? 404 : 503) : text(404, `not ready: ${standing()}\n`)
  }
}

async function ready(store: HealthStore, otherwise: 404 | 503): Promise<Answer> {
  const health = await store.health()
  return health.ok ? text(200, 'ready\n') : text(otherwise, `not ready: ${health.reason}\n`)
}
