/** The logs of a store with replicas, beside what is durable of them. */
import { expect } from 'vitest'
import type { Entry } from '../../src/protocol/entry.ts'
import type { UserId } from '../../src/protocol/ids.ts'
import { team } from './names.ts'
import { Rows } from './rows.ts'

/** `draw`: a number from 0 to 1. */
export type Replicas = { readonly draw: () => number }

export class Cluster {
  readonly #replicas: Replicas
  readonly #rows = new Map<UserId, Rows>()

  constructor(replicas: Replicas) {
    this.#replicas = replicas
  }

  /** `sure`: it is durable. Else it may be on some of the replicas. */
  append(user: UserId, term: number, entries: readonly Entry[], sure: boolean): void {
    const rows = this.#rows.get(user) ?? new Rows(this.#replicas.draw)
    this.#rows.set(user, rows)
    rows.append(term, entries, sure)
  }

  /** What the owner of a log finds, of which devices have acknowledged all up to `acked`: all that was durable, and maybe more. */
  own(user: UserId, term: number, acked: number, written: readonly Entry[], dies = false): readonly Entry[] {
    const found = this.#rows.get(user)?.own(term, acked, true, dies) ?? []
    if (!dies) expect(found.length, 'what was answered is there').toBeGreaterThanOrEqual(written.length)
    return found
  }

  read(user: UserId, written: readonly Entry[]): void {
    const there = this.#rows.get(user)?.read(written.length)
    if (there) expect(there, 'no replica has anything else').toEqual(written)
  }

  /** A node may have lived only long enough to take a term, to load logs, and to append to them what nobody is told of. */
  async rise(
    nextTerm: () => Promise<number>,
    known: (user: UserId) => Promise<{ acked: number; written: readonly Entry[] }>,
  ): Promise<void> {
    while (this.#rows.size > 0 && this.#replicas.draw() < 0.5) {
      const term = await nextTerm()
      for (const [user, rows] of this.#rows) {
        const dies = this.#replicas.draw() < 0.3
        const { acked, written } = await known(user)
        const last = this.own(user, term, acked, written, dies).at(-1)
        if (last && !dies && user !== team)
          rows.append(term, [{ is: 'gone', seq: last.seq + 1, time: last.time }], false)
      }
    }
  }
}
