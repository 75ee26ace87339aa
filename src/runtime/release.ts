/**
 * How the actors of a shard go: what they have not saved is flushed, and then they are dropped. Nobody waits for a clock: whoever may not
 * go yet is looked at again after each of its turns.
 */

/** `told`: it was told to save what is unsaved. */
export type Answer = 'goes' | 'waits' | 'told'

export type Leaving = {
  /** Those that are present now. */
  readonly ids: () => readonly string[]
  /** `tells`: whether it may be told to save; else it goes with what is unsaved. */
  readonly mayGo: (id: string, tells: boolean) => Answer
  /** All may go. Called once. */
  readonly gone: () => void
}

/** Who was told so often, and still has something unsaved, has a store that fails: what it forgets then is repeated to its next life. */
const tries = 4

export class Release {
  readonly #leaving: Leaving
  /** Who may not go yet. */
  readonly #busy = new Set<string>()
  /** How often each was told to save. */
  readonly #told = new Map<string, number>()
  #over = false

  constructor(leaving: Leaving) {
    this.#leaving = leaving
  }

  /** Looks at all of them. */
  begin(): void {
    if (this.#over) return
    for (const id of this.#leaving.ids()) if (!this.#mayGo(id)) this.#busy.add(id)
    if (this.#busy.size === 0) this.end()
  }

  /** One has had a turn, or is there no more. With the last one all are looked at again: somebody may have been woken meanwhile. */
  look(id: string): void {
    if (!this.#busy.has(id) || !this.#mayGo(id)) return
    this.#busy.delete(id)
    if (this.#busy.size === 0) this.begin()
  }

  #mayGo(id: string): boolean {
    const told = this.#told.get(id) ?? 0
    const answer = this.#leaving.mayGo(id, told < tries)
    if (answer === 'told') this.#told.set(id, told + 1)
    return answer === 'goes'
  }

  /** Whoever may not go yet goes as by a crash: nothing durable depends on their memory, and whoever waits for them is answered. */
  end(): void {
    if (this.#over) return
    this.#over = true
    this.#leaving.gone()
  }
}
