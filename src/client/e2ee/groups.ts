/** The sealed groups that this device knows: who is in them, and what is told of that. */
import { bytesToHex } from '@noble/hashes/utils.js'
import type { Head } from './payload.ts'
import { listIn, listText, type Roster, Rosters, type Step } from './roster.ts'
import type { GroupChange } from './types.ts'

type Sets = readonly (readonly [key: string, value: unknown])[]

export class Groups {
  readonly #rosters: Rosters
  readonly #tell: (event: GroupChange) => void
  readonly #known: Map<string, Roster>
  /** What was told: once each. */
  readonly #told = new Set<string>()
  /** Devices that were asked for the members of a group of which this one knows nothing. */
  readonly asked = new Set<string>()

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

  /** The place of the sealed change by which a member came lately. */
  addedAt(group: string, user: string): number | undefined {
    if (!this.of(group)?.members.includes(user)) return undefined
    const steps = this.#known.get(group)?.later ?? []
    return steps.findLast(({ change, value }) => change === 'add' && value.split('\n').includes(user))?.at
  }

  knows(group: string, id: string): boolean {
    return this.#known.get(group)?.later.some((step) => step.id === id) ?? false
  }

  /**
   * A sealed change, whose author knew `list`. From a list that this device has had too it goes on; else it counts where an admin has said it,
   * who may change all of it. Of a group that this device knows nothing of it is all that there is.
   */
  changed(group: string, user: string, step: Step, text: string): Sets {
    const [list, roster, now] = [listIn(text), this.#known.get(group), this.of(group)]
    if (!list) return []
    const goesOn = roster && now?.heads.includes(list.hash)
    if (roster && goesOn) return this.#keep(group, this.#rosters.with(group, roster, step))
    if (now && (!now.admins.includes(step.by) || list.n < now.n)) return []
    const next = this.#rosters.with(group, { ...list, later: [] }, step)
    if (!next || !this.#rosters.now(group, next).members.includes(user)) return []
    if (now) this.#say(group, 'differs', [step.by])
    return this.#keep(group, next)
  }

  /** Somebody has left, or was taken out by the server: nobody else says so. */
  left(group: string, step: Step): Sets {
    const roster = this.#known.get(group)
    return roster ? this.#keep(group, this.#rosters.with(group, roster, { ...step, change: 'leave' })) : []
  }

  /** Another device has said who is in it. */
  told(
    group: string,
    text: string,
    by: { readonly isOwn: boolean; readonly user: string; readonly name: string },
  ): Sets {
    const [list, now] = [listIn(text), this.of(group)]
    const mayTell = by.isOwn || (now ? now.admins.includes(by.user) : this.asked.has(by.name))
    if (!list || !mayTell || (now && list.n <= now.n)) return []
    return this.#keep(group, { ...list, later: [] })
  }

  /** Whether the writer of a message has seen another list of members: that is told. */
  differs(group: string, { hash }: Head, by: string): boolean {
    const now = this.of(group)
    if (!now || now.heads.includes(bytesToHex(hash))) return false
    this.#say(group, 'differs', [by])
    return true
  }

  /** Users whom the server lists, and no admin has added. */
  unsealed(group: string, users: readonly string[]): readonly string[] {
    const now = this.of(group)
    const others = now ? users.filter((user) => !now.members.includes(user)) : []
    if (others.length > 0) this.#say(group, 'unsealed', others)
    return others
  }

  #say(group: string, why: GroupChange['why'], users: readonly string[]): void {
    const name = [group, why, ...users, this.of(group)?.hash].join('\n')
    if (this.#told.has(name)) return
    this.#told.add(name)
    this.#tell({ group, why, users })
  }

  #keep(group: string, roster: Roster | undefined): Sets {
    if (!roster) return []
    this.#known.set(group, roster)
    return [[`group:${group}`, roster]]
  }
}
