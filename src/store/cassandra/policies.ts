/** Which hosts are asked, and what happens when one does not answer. */
import type { ClientOptions, ExecutionOptions, Host, policies as named, types } from 'cassandra-driver'
import { driver } from './driver.ts'

/** A read that is not answered by then is also sent to another host. Writes are not: it would double the load of a slow cluster. */
const speculateMs = 500

/**
 * A host that has let somebody wait in vain is asked after the others for so long: by then the driver knows of one that is gone, but of one
 * that hangs only when a heartbeat is not answered, and a lease that is renewed there thrice is lost. Where all are slow nothing changes.
 */
const passedOverMs = 10_000

/** Hosts that were too slow lately, and until when that counts. */
class Slow {
  readonly #until = new Map<string, number>()

  add(host: string): void {
    this.#until.set(host, performance.now() + passedOverMs)
  }

  has(host: string): boolean {
    const until = this.#until.get(host)
    if (until === undefined) return false
    if (performance.now() < until) return true
    this.#until.delete(host)
    return false
  }

  /** The same hosts, these last. */
  last(hosts: Iterator<Host>): Iterator<Host> {
    return this.#until.size === 0 ? hosts : this.#inTurn(hosts)
  }

  *#inTurn(hosts: Iterator<Host>): Generator<Host, undefined> {
    const slow: Host[] = []
    for (let next = hosts.next(); !next.done; next = hosts.next())
      if (this.has(next.value.address)) slow.push(next.value)
      else yield next.value
    yield* slow
  }
}

export function policies(localDc: string): Required<Pick<ClientOptions, 'policies' | 'requestTracker'>> {
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

  const slow = new Slow()
  class SlowOnesLast extends loadBalancing.TokenAwarePolicy {
    override newQueryPlan(
      keyspace: string,
      options: ExecutionOptions,
      callback: (error: Error, hosts: Iterator<Host>) => void,
    ) {
      super.newQueryPlan(keyspace, options, (error, hosts) => callback(error, hosts && slow.last(hosts)))
    }
  }

  /** A retry policy is not asked about what must not be sent twice, as renewals. The driver takes no tracker but of its own classes. */
  class Answers extends driver().tracker.RequestLogger {
    constructor() {
      super({})
    }
    override onSuccess() {}
    override onError(
      { address }: Host,
      _query: unknown,
      _params: unknown,
      _options: unknown,
      _length: number,
      { name }: Error,
    ) {
      if (name === 'OperationTimedOutError') slow.add(address)
    }
  }

  return {
    policies: {
      loadBalancing: new SlowOnesLast(new loadBalancing.DCAwareRoundRobinPolicy(localDc)),
      reconnection: new reconnection.ExponentialReconnectionPolicy(200, 2_000),
      retry: new Retry(),
      speculativeExecution: new SpeculativeReads(),
    },
    requestTracker: new Answers(),
  }
}
