/** Terms, and who holds a name: by lightweight transaction, one for a lease that is held on, two for one that changes hands. */
import type { Millis } from '../../protocol/ids.ts'
import type { Lease } from '../contract.ts'
import { StoreError } from '../error.ts'
import { isSame, renewed, taken } from '../leases.ts'
import type { Requests, Row } from './requests.ts'
import { long, number } from './rows.ts'

const termInsert = "INSERT INTO settings (name, value) VALUES ('term', 1) IF NOT EXISTS"
const termUpdate = "UPDATE settings SET value = ? WHERE name = 'term' IF value = ?"
const termQuery = "SELECT value FROM settings WHERE name = 'term'"
const leaseQuery = 'SELECT holder, term, until FROM leases WHERE name = ?'
const leaseInsert = 'INSERT INTO leases (name, holder, term, until) VALUES (?, ?, ?, ?) IF NOT EXISTS'
const leaseUpdate = 'UPDATE leases SET holder = ?, term = ?, until = ? WHERE name = ? IF term = ? AND until = ?'

/** What several want at once is tried for so often. */
const tries = 20

export async function takeTerm(requests: Requests): Promise<number> {
  let found = await requests.compare(termInsert, [])
  if (!found) return 1
  for (let tried = 0; tried < tries; tried++) {
    const term = number(found['value']) + 1
    found = await requests.compare(termUpdate, [long(term), long(term - 1)])
    if (!found) return term
  }
  throw new StoreError('unavailable', 'No term could be taken: too many want one at once.')
}

/** The next term that is taken is above this one. */
export async function raiseTerm(requests: Requests, term: number): Promise<void> {
  for (;;) {
    const [found] = await requests.rows(termQuery, [])
    if (number(found?.['value']) >= term) return
    await requests.compare(termUpdate, [long(term), found?.['value'] ?? null])
  }
}

export async function takeLease(
  requests: Requests,
  name: string,
  holder: string,
  now: Millis,
  until: Millis,
): Promise<Lease> {
  const isFree = (held: Lease | undefined) => !held || held.until <= now
  let term = 0
  const lease = await change(requests, name, async (held) => {
    if (isFree(held) && term === 0) term = await takeTerm(requests)
    return taken(held, holder, now, until, () => term)
  })
  return lease as Lease
}

export async function renewLease(
  requests: Requests,
  name: string,
  lease: Lease,
  now: Millis,
  until: Millis,
): Promise<boolean> {
  return (await change(requests, name, (held) => renewed(held, lease, now, until))) !== undefined
}

/** A lease that is given back stays as one that has run out. */
export async function releaseLease(requests: Requests, name: string, lease: Lease): Promise<void> {
  await change(requests, name, (held) => (held && isSame(held, lease) ? { ...held, until: 0 } : undefined))
}

/** Makes `next` of a lease, as long as nobody else changes it meanwhile. Answers what `next` does. */
async function change(
  requests: Requests,
  name: string,
  next: (held: Lease | undefined) => Promise<Lease> | Lease | undefined,
): Promise<Lease | undefined> {
  let [row]: (Row | undefined)[] = await requests.rows(leaseQuery, [name])
  for (let tried = 0; tried < tries; tried++) {
    const held = row && leaseOf(row)
    const wanted = await next(held)
    if (!wanted || (held && isSame(held, wanted) && held.until === wanted.until)) return wanted
    row = await replace(requests, name, held, wanted)
    if (!row) return wanted
  }
  throw new StoreError('unavailable', `The lease ${name} could not be changed: too many want it at once.`)
}

/** undefined: done. Else what is there instead of `held`. */
function replace(requests: Requests, name: string, held: Lease | undefined, { holder, term, until }: Lease) {
  const cells = [holder, long(term), long(until)]
  if (!held) return requests.compare(leaseInsert, [name, ...cells])
  return requests.compare(leaseUpdate, [...cells, name, long(held.term), long(held.until)])
}

const leaseOf = (row: Row): Lease => ({ holder: row['holder'], term: number(row['term']), until: number(row['until']) })
