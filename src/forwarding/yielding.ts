/** Shards that this node gives away: first their actors go, with all that they wrote made durable. */
import type { Gone, MemberMessage } from '../cluster/types.ts'
import type { Millis } from '../protocol/ids.ts'
import type { Clock, Runtime } from '../runtime/index.ts'

/** What a shard's actors have under way is made durable within that; what is not goes as by a crash. */
const releaseMs: Millis = 5_000
/** Whose actors have gone waits so long for others that go: then they are one change of the rows, and the last does not wait for that of the first. */
const togetherMs: Millis = 20

type Context = {
  readonly clock: Pick<Clock, 'after'>
  readonly runtime: () => Pick<Runtime, 'release'> | undefined
  /** What comes for a shard is held from now on. */
  readonly pause: (shard: number) => void
  readonly tell: (message: MemberMessage) => void
}

export class Yielding {
  readonly #context: Context
  #going = 0
  #gone: Gone[] = []

  constructor(context: Context) {
    this.#context = context
  }

  yield(spell: Gone): void {
    const { runtime, pause } = this.#context
    pause(spell.shard)
    this.#going += 1
    void runtime()
      ?.release(spell.shard, releaseMs)
      .then(() => this.#went(spell))
  }

  #went(spell: Gone): void {
    this.#going -= 1
    this.#gone.push(spell)
    if (this.#going === 0) this.#tell()
    else if (this.#gone.length === 1) this.#context.clock.after(togetherMs, () => this.#tell())
  }

  #tell(): void {
    if (this.#gone.length > 0) this.#context.tell({ is: 'yielded', gone: this.#gone.splice(0) })
  }
}
