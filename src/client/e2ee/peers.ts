/** The pairings with all other devices, and what was opened in them that the program has not gone past. */
import { bytesToHex } from '@noble/hashes/utils.js'
import type { Cursor, Millis } from '../../protocol/ids.ts'
import { systemClock } from '../clock.ts'
import { keptMs } from './own.ts'
import { forget, packed, unpacked } from './packed.ts'
import type { Pairing, Party } from './pairing.ts'
import type { Pairings } from './pairings.ts'
import { finished } from './ratchet.ts'

/** An entry that was opened: under `place` its key is kept in the pairings with `peer`, until the cursor has passed it. */
export type Opened = {
  readonly epoch: number
  readonly seq: number
  readonly peer: string
  readonly place: string
  /** Who sent it, and under which id. */
  readonly name: string
}
type Set = readonly (readonly [key: string, value: unknown])[]
export type Changes = { readonly set: Set; readonly after: () => void }

/** Entries of a log that is no more stay open as nobody passes them: beyond these the oldest are finished. */
const mostOpen = 1_024

export const peerOf = ({ user, identity }: Omit<Party, 'device'>): string => `${user}\n${bytesToHex(identity)}`
export const nameOf = (from: string, id: string): string => `${from}\n${id}`

export class Peers {
  readonly #pairings = new Map<string, Pairings>()
  #open: readonly Opened[] = []
  /** Messages that were read, and when: they are not read again wherever they come. */
  readonly #had = new Map<string, Millis>()
  /** Of which log the cursor was written last, and up to where. */
  #past: Pick<Cursor, 'epoch' | 'seq'> = { epoch: 0, seq: 0 }

  /** Answers whether it is too old to be kept. */
  load(kind: string, name: string, value: unknown): boolean {
    if (kind === 'pair')
      this.#pairings.set(
        name,
        (value as Uint8Array[]).map(unpacked).filter((pairing) => pairing !== undefined),
      )
    if (kind === 'open') this.#open = value as Opened[]
    if (kind !== 'had') return false
    this.#had.set(name, value as Millis)
    return systemClock.now() - (value as Millis) > keptMs
  }

  of(peer: string): Pairings {
    return this.#pairings.get(peer) ?? []
  }

  /** Whether the program has gone past it. */
  isPast(epoch: number, seq: number): boolean {
    return epoch === this.#past.epoch && seq <= this.#past.seq
  }

  wasRead(name: string): boolean {
    return this.#had.has(name)
  }

  /** Whether it was read in another entry of that log, which the program has not gone past: a server may bring it in as many as it likes. */
  isOpen(name: string, epoch: number, seq: number): boolean {
    return this.#open.some((open) => open.name === name && open.epoch === epoch && open.seq !== seq)
  }

  /** Pairings as they are now. A key of what was finished while they were being changed goes, too. */
  changed(changes: ReadonlyMap<string, Pairings>, opened?: Opened): Changes {
    if (opened) {
      const others = this.#open.filter(({ epoch, seq }) => epoch !== opened.epoch || seq !== opened.seq)
      this.#open = [...others, opened]
    }
    const set: [string, unknown][] = opened ? [['open', this.#open]] : []
    const past: [Pairings, Pairings][] = []
    for (const [peer, given] of changes) {
      const places = new Set(this.#open.flatMap((open) => (open.peer === peer ? [open.place] : [])))
      const next = given.map((pairing) => withOnly(pairing, places))
      past.push([this.of(peer), next])
      this.#pairings.set(peer, next)
      set.push([`pair:${peer}`, next.map(packed)])
    }
    const after = () => {
      for (const [before, next] of past) forgetAll(before, next)
    }
    return { set, after }
  }

  /** Nothing of that device is read any more: who begins anew again and again would fill the storage. */
  left(peer: string): Changes {
    const past = this.of(peer)
    if (!this.#pairings.delete(peer)) return { set: [], after: () => {} }
    return { set: [[`pair:${peer}`, undefined]], after: () => forgetAll(past, []) }
  }

  /** All pairings are over. */
  forget(): Changes {
    const past = [...this.#pairings]
    this.#pairings.clear()
    this.#open = []
    const set = [['open', undefined] as const, ...past.map(([peer]) => [`pair:${peer}`, undefined] as const)]
    const after = () => {
      for (const [, pairings] of past) forgetAll(pairings, [])
    }
    return { set, after }
  }

  /** The cursor is about to be written: what it passes is finished in the same write. */
  passed({ epoch, seq }: Pick<Cursor, 'epoch' | 'seq'>): Changes & { readonly names: readonly string[] } {
    this.#past = { epoch, seq }
    const isOver = (open: Opened, at: number) =>
      (open.epoch === epoch && open.seq <= seq) || at < this.#open.length - mostOpen
    const over = this.#open.filter(isOver)
    if (over.length === 0) return { set: [], after: () => {}, names: [] }
    this.#open = this.#open.filter((open, at) => !isOver(open, at))
    const now = systemClock.now()
    for (const { name } of over) this.#had.set(name, now)
    const tooOld = this.#tooOld(now)
    const { set, after } = this.changed(new Map(over.map(({ peer }) => [peer, this.of(peer)])))
    const names = over.map(({ name }) => name)
    const had = [...names.map((name) => [`had:${name}`, now] as const), ...tooOld]
    return { set: [...set, ['open', this.#open], ...had], after, names }
  }

  /** Those that were read first, as long as they are. */
  #tooOld(now: Millis): [key: string, value: undefined][] {
    const gone: [string, undefined][] = []
    for (const [name, at] of this.#had) {
      if (now - at <= keptMs) break
      this.#had.delete(name)
      gone.push([`had:${name}`, undefined])
    }
    return gone
  }
}

function withOnly(pairing: Pairing, places: ReadonlySet<string>): Pairing {
  let { ratchet } = pairing
  for (const place of ratchet.unfinished.keys()) if (!places.has(place)) ratchet = finished(ratchet, place)
  return ratchet === pairing.ratchet ? pairing : { ...pairing, ratchet }
}

/** Keys that no pairing has any more are overwritten. */
function forgetAll(before: Pairings, next: Pairings): void {
  for (const pairing of before) {
    const now = next.find(({ opening }) => String(opening.ephemeral) === String(pairing.opening.ephemeral))
    if (now !== pairing) forget(pairing.ratchet, now?.ratchet)
  }
}
