import type { Fanned } from '../../actors/group/types.ts'
import type { GroupId } from '../protocol/ids.ts'

/**
 * The members' answers to a group's copies: those of one turn of the event loop are one message to the group. One by one they
 * filled the mailbox of a group of 1,024, which then refused what its members sent.
 */
export class Answers {
  #open = new Map<GroupId, Fanned[]>()
  readonly #tell: (group: GroupId, copies: readonly Fanned[]) => void

  constructor(tell: (group: GroupId, copies: readonly Fanned[]) => void) {
    this.#tell = tell
  }

  add(group: GroupId, copy: Fanned): void {
    const copies = this.#open.get(group)
    if (copies) return void copies.push(copy)
    if (this.#open.size === 0) setImmediate(() => this.#hand())
    this.#open.set(group, [copy])
  }

  #hand(): void {
    const open = this.#open
    this.#open = new Map()
    for (const [group, copies] of open) this.#tell(group, copies)
  }
}
