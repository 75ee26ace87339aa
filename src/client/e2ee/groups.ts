/** The sealed groups that this device knows: who is in them, and what is told of that. */
import { bytesToHex } from '@noble/hashes/utils.js'
import { systemClock } from '../clock.ts'
import { type Head, headBytes } from './payload.ts'
import type { Logged } from './repairs.ts'
import { listIn, listText, type Roster, Rosters, type Step } from './roster.ts'
import type { GroupChange } from './types.ts'

/** Milliseconds between hearing that a message stands in a group, and that somebody had been added before it. */
const togetherMs = 60_000
/** Things that are told once: beyond these they are told again. */
const mostTold = 1_024

/** How far a device of its own user is believed. */
const ofOwn = 2

type Sets = readonly (readonly [key: string, value: unknown])[]
/** `rank`: where this device knows nothing of the group, how far that one is believed: 1 of admins, as the server says, 0 of members. */
type Asked = { readonly at: number; readonly rank: number | undefined }

/** Milliseconds until a device is asked again for the members of a group; and how many are asked in that time, whatever a server makes up. */
const askAgainMs = 60_000
const mostAsked = 1_024

export class Groups {
  readonly #rosters: Rosters
  readonly #tell: (event: GroupChange) => void
  readonly #known: Map<string, Roster>
  /** What was told: once each. */
  readonly #told = new Set<string>()
  /** Devices that were asked for the members of a group, by their name and that of the group. */
  readonly #asked = new Map<string, Asked>()

  /** `known`: as the storage has them. */
  constructor(realm: string, known: Map<string, Roster>, tell: (event: GroupChange) => void) {
    this.#rosters = new Rosters(realm)
    this.#known = known
    this.#tell = tell
  }

  of(group: string): ReturnType<Rosters['now']> | undefined {
    const roster = this.#known.get(group)
    return roster && this.#rosters.now(group, roster)
  }

  /** Who is in it, for another device. */
  text(group: string): string | undefined {
    const now = this.of(group)
    return now && listText(now)
  }

  /**
   * Whether a user was in the group when a message came there, which this device did not know when it sealed that. Places only the server
   * says: it could bring anything that was sent before somebody was added to them, had this device not heard of both at about the same time.
   */
  cameBefore(user: string, { to, at = 0, stood = 0 }: Logged): boolean {
    if (!this.of(to)?.members.includes(user)) return false
    const steps = this.#known.get(to)?.later ?? []
    const added = steps.findLast(({ change, value }) => change === 'add' && value.split('\n').includes(user))
    return added !== undefined && added.at < at && Math.abs((added.heard ?? 0) - stood) < togetherMs
  }

  knows(group: string, id: string): boolean {
    return this.#known.get(group)?.later.some((step) => step.id === id) ?? false
  }

  /** Whether a device may be asked now. What it answers then is believed as far as `rank` says. */
  mayAsk(name: string, rank?: number): boolean {
    const now = systemClock.monotonic()
    const isRecent = ({ at }: Asked) => now - at < askAgainMs
    const before = this.#asked.get(name)
    const [oldest] = this.#asked
    if (before && isRecent(before)) return false
    if (!before && oldest && this.#asked.size >= mostAsked) {
      if (isRecent(oldest[1])) return false
      this.#asked.delete(oldest[0])
    }
    this.#asked.delete(name)
    this.#asked.set(name, { at: now, rank: rank ?? before?.rank })
    return true
  }

  /** The question has not come to the server. */
  notAsked(name: string): void {
    this.#asked.delete(name)
  }

  /**
   * A sealed change, whose author knew `list`. From a list that this device has had too it goes on; else it counts where an admin has said it,
   * who may change all of it. Of a group that this device knows nothing of it is all that there is. What does not go on is told; undefined: its
   * author is no admin, and nobody is to believe that it was made.
   */
  changed(group: string, user: string, step: Step, text: string): Sets | undefined {
    if (this.knows(group, step.id)) return []
    const before = this.of(group)
    const next = this.#goesOn(group, step, text)
    const goesOn = next ?? this.#anew(group, user, step, text)
    const isRefused = before && !goesOn && !before.admins.includes(step.by)
    // They may know of an admin of whom this device does not, or make that up.
    const isBehind = !before?.heads.includes(listIn(text)?.hash ?? '-')
    if (before && !next) this.#say(group, isRefused && !isBehind ? 'refused' : 'differs', [step.by])
    return isRefused ? undefined : this.#keep(group, goesOn)
  }

  #goesOn(group: string, step: Step, text: string): Roster | undefined {
    const roster = this.#known.get(group)
    const isHad = this.of(group)?.heads.includes(listIn(text)?.hash ?? '-')
    return roster && isHad ? this.#rosters.with(group, roster, step) : undefined
  }

  /** Who is not in the group, as this device knows it, is told by whoever takes them in: others may be its admins by now. */
  #anew(group: string, user: string, step: Step, text: string): Roster | undefined {
    const [list, now] = [listIn(text), this.of(group)]
    const isIn = now?.members.includes(user)
    const may = now && !now.heads.includes(list?.hash ?? '') && now.admins.includes(step.by) && now.n <= (list?.n ?? 0)
    if (!list || (isIn && !may)) return undefined
    const next = this.#rosters.with(group, { ...list, later: [], rank: this.#known.get(group)?.rank }, step)
    return next && this.#rosters.now(group, next).members.includes(user) ? next : undefined
  }

  /** Somebody has left, or was taken out by the server: nobody else says so. */
  left(group: string, step: Step): Sets {
    const roster = this.#known.get(group)
    return roster ? this.#keep(group, this.#rosters.with(group, roster, { ...step, change: 'leave' })) : []
  }

  /** Another device has said who is in it: an own one, an admin, or one that was asked. Who is believed more than those who said it before corrects them. */
  told(
    group: string,
    text: string,
    by: { readonly isOwn: boolean; readonly user: string; readonly name: string },
  ): Sets {
    const [list, now, roster] = [listIn(text), this.of(group), this.#known.get(group)]
    const rank = by.isOwn ? ofOwn : (this.#asked.get(by.name)?.rank ?? -1)
    const corrects = rank > (roster?.rank ?? ofOwn)
    const mayTell = by.isOwn || corrects || (now ? now.admins.includes(by.user) : rank >= 0)
    if (!list || !mayTell || (now && !corrects && list.n <= now.n)) return []
    const next = corrects || !roster ? rank : roster.rank
    // It is what this device has, or had on the way there.
    if (roster && corrects && now?.heads.includes(list.hash)) return this.#keep(group, { ...roster, rank: next })
    // It was told before, where a message has shown it.
    if (now) this.#say(group, 'differs', [by.user])
    return this.#keep(group, { ...list, later: [], rank: next })
  }

  /** Whether the writer of a message has seen another list of members: that is told. */
  differs(group: string, { hash }: Head, by: string): boolean {
    const now = this.of(group)
    if (!now || now.heads.some((head) => head.slice(0, 2 * headBytes) === bytesToHex(hash.slice(0, headBytes))))
      return false
    this.#say(group, 'differs', [by])
    return true
  }

  /** Users whom the server lists, or whose messages it brings, and no admin has added. */
  unsealed(group: string, users: readonly string[]): readonly string[] {
    const now = this.of(group)
    const others = now ? users.filter((user) => !now.members.includes(user)) : []
    if (others.length > 0) this.#say(group, 'unsealed', others)
    return others
  }

  #say(group: string, why: GroupChange['why'], users: readonly string[]): void {
    const name = [group, why, ...users, this.of(group)?.hash].join('\n')
    if (this.#told.has(name)) return
    if (this.#told.size >= mostTold) this.#told.clear()
    this.#told.add(name)
    this.#tell({ group, why, users })
  }

  #keep(group: string, roster: Roster | undefined): Sets {
    if (!roster) return []
    this.#known.set(group, roster)
    return [[`group:${group}`, roster]]
  }
}
