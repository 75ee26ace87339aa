/** Leases, and the row of numbers that their terms come from: inside a transaction, in which no other process writes. */
import type { Millis } from '../../protocol/ids.ts'
import type { Lease } from '../contract.ts'
import { isSame, renewed, taken } from '../leases.ts'
import type { Tables } from './tables.ts'

export function nextTerm({ settings }: Tables): number {
  const term = (settings.get('term') ?? 0) + 1
  void settings.put('term', term)
  return term
}

/** Names that are kept, of the latest terms. */
const remembered = 16_384

/** Names the node of a term, and forgets the oldest names. */
export function beginLife({ lives }: Tables, term: number, name: number): void {
  void lives.put(name, term)
  for (const { key, value } of lives.getRange({})) if (value <= term - remembered) void lives.remove(key)
}

export function takeLease(tables: Tables, name: string, holder: string, now: Millis, until: Millis): Lease {
  const held = tables.leases.get(name)
  const lease = taken(held, holder, now, until, () => nextTerm(tables))
  if (lease !== held) void tables.leases.put(name, lease)
  return lease
}

export function renewLease({ leases }: Tables, name: string, lease: Lease, now: Millis, until: Millis): boolean {
  const next = renewed(leases.get(name), lease, now, until)
  if (next) void leases.put(name, next)
  return next !== undefined
}

export function releaseLease({ leases }: Tables, name: string, lease: Lease): void {
  if (isSame(leases.get(name), lease)) void leases.remove(name)
}
