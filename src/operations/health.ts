/** What a supervisor or a load balancer asks: whether the process answers, and whether the node can do its work. */
import { type Answer, type Route, text } from '../gateway/http.ts'
import type { HealthStore } from '../store/contract.ts'

export function healthRoute(store: HealthStore): Route {
  return ({ path }) => {
    if (path === '/healthz') return text(200, 'ok\n')
    return path === '/readyz' ? ready(store) : undefined
  }
}

async function ready(store: HealthStore): Promise<Answer> {
  const health = await store.health()
  return health.ok ? text(200, 'ready\n') : text(503, `not ready: ${health.reason}\n`)
}
