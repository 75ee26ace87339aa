/**
 * Which groups may have copies that are not with every member: noted before the first message of a life is appended, so that the
 * next life of the node hands them out. A note is given up when its group has been seen at rest with everything handed out, and
 * for no other reason: one that could not be loaded is absent, too.
 */
import type { GroupMessage } from '../../../actors/group/types.ts'
import type { GroupId } from '../../protocol/ids.ts'
import type { NoteStore } from '../../store/contract.ts'

export class Notes {
  readonly #store: NoteStore
  readonly #term: number
  readonly #noted = new Map<GroupId, Promise<void> | 'durable'>()
  /** By group: the terms of earlier lives that noted it. */
  readonly #owed = new Map<GroupId, number[]>()

  constructor(store: NoteStore, term: number) {
    this.#store = store
    this.#term = term
  }

  /** This life hands out copies of a group's messages; durable when it resolves, or where there is nothing to wait for. */
  note(group: GroupId): Promise<void> | undefined {
    const known = this.#noted.get(group)
    if (known) return known === 'durable' ? undefined : known
    const noting = this.#store.noteGroup(group, this.#term)
    this.#noted.set(group, noting)
    noting.then(
      () => this.#noted.set(group, 'durable'),
      () => this.#noted.delete(group),
    )
    return noting
  }

  /** Wakes the groups whose copies an earlier life of the node may not have handed out. */
  async resume(tell: (group: GroupId, message: GroupMessage) => void): Promise<void> {
    for (const { group, term } of await this.#store.notedGroups())
      if (term !== this.#term) this.#owed.set(group, [...(this.#owed.get(group) ?? []), term])
    for (const group of this.#owed.keys()) tell(group, { is: 'resume' })
  }

  /** Nothing of a group is under way. A note that is not given up is looked at once more at the next start, which does no harm. */
  rested(group: GroupId): void {
    const terms = this.#owed.get(group)
    if (!terms || !this.#owed.delete(group)) return
    for (const term of terms) this.#store.forgetGroup(group, term).catch(() => undefined)
  }
}
