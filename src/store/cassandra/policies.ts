/** Which hosts are asked, and what happens when one does not answer. */
import type { ClientOptions, policies as named, types } from 'cassandra-driver'
import { driver } from './driver.ts'

/** A read that is not answered by then is also sent to another host. Writes are not: it would double the load of a slow cluster. */
const speculateMs = 500

export function policies(localDc: string): NonNullable<ClientOptions['policies']> {
  const { loadBalancing, reconnection, retry, speculativeExecution } = driver().policies

  /** A host that is gone is passed over; one that does not answer in time only once, so that a request has an end. */
  class Retry extends retry.RetryPolicy {
    override onRequestError(info: named.retry.OperationInfo, _consistency: types.consistencies, error: Error) {
      const slow = error.name === 'OperationTimedOutError' && info.nbRetry > 0
      const again = info.executionOptions.isIdempotent() && !slow
      return again ? this.retryResult(undefined as never, false) : this.rethrowResult()
    }
  }

  class SpeculativeReads extends speculativeExecution.NoSpeculativeExecutionPolicy {
    override newPlan(_keyspace: string, query: string | object[]) {
      let left = typeof query === 'string' && query.startsWith('SELECT') ? 1 : 0
      return { nextExecution: () => (left-- > 0 ? speculateMs : -1) }
    }
  }

  return {
    loadBalancing: new loadBalancing.TokenAwarePolicy(new loadBalancing.DCAwareRoundRobinPolicy(localDc)),
    reconnection: new reconnection.ExponentialReconnectionPolicy(200, 2_000),
    retry: new Retry(),
    speculativeExecution: new SpeculativeReads(),
  }
}
