/**
 * Which groups may have copies that are not with every member: noted before the first message of a life is appended, so that the
 * next life of the node hands them out. A note is given up when its group has been seen at rest with everything handed out, and
 * for no other reason: one that could not be loaded is absent, too.
 */
import type { GroupMessage } from '../../../actors/group/types.ts'
import type { GroupId } from '../../protocol/ids.ts'
import type { NoteStore } from '../../store/contract.ts'
import type { SpellOf } from '../spells.ts'

type Noting = { readonly term: number; durable: Promise<void> | null }

export class Notes {
  readonly #spellOf: SpellOf<NoteStore>
  readonly #noted = new Map<GroupId, Noting>()
  /** By group: the terms of earlier spells that noted it. */
  readonly #owed = new Map<GroupId, Set<number>>()

  constructor(spellOf: SpellOf<NoteStore>) {
    this.#spellOf = spellOf
  }

  /** This node hands out copies of a group's messages, in this spell; durable when it resolves, or where there is nothing to wait for. */
  note(group: GroupId): Promise<void> | undefined {
    const { term, store } = this.#spellOf(group)
    const known = this.#noted.get(group)
    if (known?.term === term) return known.durable ?? undefined
    const noting: Noting = { term, durable: store.noteGroup(group, term) }
    this.#noted.set(group, noting)
    noting.durable?.then(
      () => {
        noting.durable = null
      },
      () => this.#noted.get(group) === noting && this.#noted.delete(group),
    )
    return noting.durable ?? undefined
  }

  /** Wakes the groups of this node whose copies an earlier spell may not have handed out. */
  async resume(
    store: NoteStore,
    isOwn: (group: GroupId) => boolean,
    tell: (group: GroupId, message: GroupMessage) => void,
  ): Promise<void> {
    const woken = new Set<GroupId>()
    for (const { group, term } of await store.notedGroups()) {
      if (!isOwn(group) || term === this.#spellOf(group).term) continue
      this.#owed.set(group, (this.#owed.get(group) ?? new Set()).add(term))
      woken.add(group)
    }
    for (const group of woken) tell(group, { is: 'resume' })
  }

  /** Nothing of a group is under way. A note that is not given up is looked at once more at the next start, which does no harm. */
  rested(group: GroupId): void {
    const terms = this.#owed.get(group)
    if (!terms || !this.#owed.delete(group)) return
    for (const term of terms)
      this.#spellOf(group)
        .store.forgetGroup(group, term)
        .catch(() => undefined)
  }
}
