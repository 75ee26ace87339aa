/** Shards that come to this node: what a former owner of their groups has not handed out is handed out, and what it was erasing is erased. */
import type { GroupMessage } from '../../actors/group/types.ts'
import type { Notes } from '../hosts/groups/notes.ts'
import type { GroupId, Millis } from '../protocol/ids.ts'
import type { NoteStore } from '../store/contract.ts'

/** Groups of shards that come together are looked for together. */
const resumeMs = 500

type Context = {
  readonly store: NoteStore
  readonly after: (ms: Millis, run: () => void) => void
  readonly notes: () => Notes | undefined
  readonly erasures: () => Promise<void>
  /** The shard of a group that is here. */
  readonly shardHere: (group: GroupId) => number | undefined
  readonly tell: (group: GroupId, message: GroupMessage) => void
}

export class Taking {
  readonly #context: Context
  readonly #taken = new Set<number>()

  constructor(context: Context) {
    this.#context = context
  }

  take(shard: number): void {
    this.#taken.add(shard)
    if (this.#taken.size === 1) this.#context.after(resumeMs, () => void this.#resume())
  }

  async #resume(): Promise<void> {
    const { store, notes, erasures, shardHere, tell } = this.#context
    const taken = new Set(this.#taken)
    this.#taken.clear()
    const isOwn = (group: GroupId) => taken.has(shardHere(group) ?? -1)
    await Promise.all([notes()?.resume(store, isOwn, tell), erasures()]).catch(() => {
      for (const shard of taken) this.take(shard)
    })
  }
}
