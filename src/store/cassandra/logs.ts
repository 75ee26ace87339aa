/**
 * The logs of inboxes, as their owners write them. An append that fails may have reached one replica: after it an owner makes sure of the
 * tail when it loads the log, as it does of a tail that a former owner wrote.
 */
import type { Entry } from '../../protocol/entry.ts'
import type { UserId } from '../../protocol/ids.ts'
import type { InboxRecord } from '../contract.ts'
import { Outdone } from '../error.ts'
import type { Retention } from '../retention.ts'
import { append, appendAgain, begin, mark, type Target } from './append.ts'
import type { History } from './history.ts'
import { keepAgain, type Loaded, load } from './inbox.ts'
import { bucketOf } from './log.ts'
import { Remembered } from './remembered.ts'
import type { Requests } from './requests.ts'
import { raiseTerm } from './terms.ts'

export class Logs {
  readonly #requests: Requests
  readonly #history: History
  readonly #retention: Retention
  readonly #begun = new Remembered()
  /** Users whose last write has failed. */
  readonly #failed = new Set<UserId>()

  constructor(requests: Requests, history: History, retention: Retention) {
    this.#requests = requests
    this.#history = history
    this.#retention = retention
  }

  async append(user: UserId, epoch: number, term: number, entries: readonly Entry[]): Promise<void> {
    const target = this.#target(user, epoch, term)
    await this.#noting(user, append(this.#requests, this.#history, target, entries))
  }

  /** For somebody who only looks. */
  async look(user: UserId): Promise<InboxRecord | undefined> {
    return (await load(this.#requests, this.#retention.retentionMs, user, () => true))?.inbox
  }

  /** For the new owner of the log: what this says must stay, whichever replicas answer. */
  async own(user: UserId, term: number): Promise<InboxRecord | undefined> {
    const isOurs = (of: number) => of === term && !this.#failed.has(user)
    const found = await load(this.#requests, this.#retention.retentionMs, user, isOurs)
    if (found) await this.#assure(user, term, found)
    return found?.inbox
  }

  async #assure(user: UserId, term: number, { inbox: { epoch, tail }, end }: Loaded): Promise<void> {
    if (end.term > term) {
      await raiseTerm(this.#requests, end.term)
      throw overtaken(user, term, end.term)
    }
    if (end.doubtful.length > 0) {
      const target = this.#target(user, epoch, term)
      await this.#requests.still(user)
      await this.#noting(user, appendAgain(this.#requests, this.#history, target, end.doubtful))
    } else if (end.kept > 0)
      await keepAgain(this.#requests, this.#history, this.#retention.retentionMs, user, end.kept, tail)
  }

  /** Makes a log that ends where another store's does; its entries are appended after this. */
  async place(user: UserId, { epoch, head, tail, lastTime: time }: InboxRecord, term: number): Promise<void> {
    const target = this.#target(user, epoch, term)
    const first = bucketOf(Math.min(head, tail))
    await this.#requests.write(begin(target, first, time, this.#requests.stamps.ordered()))
    await this.#requests.write([mark(target, { seq: tail, time }, tail + 1)])
  }

  async #noting(user: UserId, written: Promise<void>): Promise<void> {
    try {
      await written
      this.#failed.delete(user)
    } catch (error) {
      this.#failed.add(user)
      throw error
    }
  }

  #target(user: UserId, epoch: number, term: number): Target {
    return { user, epoch, term, retention: this.#retention, begun: this.#begun }
  }
}

/** The next start of a node that is alone has a higher term; in a cluster the shard gets one. */
const overtaken = (user: UserId, ours: number, theirs: number): Outdone =>
  new Outdone(
    theirs,
    `The inbox of ${user} was written in term ${theirs}, after ours, ${ours}: another node has taken over, or the keyspace was put back in parts. Start this node again.`,
  )
