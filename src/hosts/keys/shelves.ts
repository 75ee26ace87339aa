/**
 * What devices have left for others, in the store. A prekey is given to nobody before the store has that it was: what is made of a version
 * is written on the condition that this still is the version, and made anew where it is not (actors/keys/shelf.ts says what follows).
 */
import { packed, unpacked } from '../../../actors/keys/packed.ts'
import { claimed, filled, type Refused, type Shelf } from '../../../actors/keys/shelf.ts'
import type { UserId } from '../../protocol/ids.ts'
import type { ServedBundle } from '../../protocol/keys/bundles.ts'
import type { Upload } from '../../protocol/keys/upload.ts'
import type { KeyStore } from '../../store/contract.ts'

/** How often what several want at once is tried. */
const tries = 20

type Claim = {
  readonly wantsOnce: boolean
  readonly resolve: (bundle: Claimed | undefined) => void
  readonly reject: (error: unknown) => void
}
/** `left`: prekeys for one use, after this claim; undefined: it took none. */
export type Claimed = { readonly bundle: ServedBundle; readonly left: number | undefined }

export class Shelves {
  readonly #store: KeyStore
  /** Claims that wait while others of the same shelf are written: all of them are the next write. */
  readonly #waiting = new Map<string, Claim[]>()

  constructor(store: KeyStore) {
    this.#store = store
  }

  /** Answers how many prekeys for one use are there then, or why they were not taken. */
  async fill(user: UserId, identity: string, upload: Upload): Promise<number | Refused> {
    return this.#change<number | Refused>(user, identity, (shelf) => {
      const next = filled(shelf, upload)
      return typeof next === 'string' ? { answer: next } : { shelf: next, answer: next.left.length }
    })
  }

  /** What somebody needs to write to a device; undefined: it has left nothing. */
  claim(user: UserId, identity: string, wantsOnce: boolean): Promise<Claimed | undefined> {
    const name = `${identity} ${user}`
    return new Promise((resolve, reject) => {
      const waiting = this.#waiting.get(name)
      const claim = { wantsOnce, resolve, reject }
      if (waiting) return void waiting.push(claim)
      this.#waiting.set(name, [claim])
      void this.#serve(name, user, identity)
    })
  }

  /** Until none waits: those that came while others were written. */
  async #serve(name: string, user: UserId, identity: string): Promise<void> {
    for (let claims = this.#waiting.get(name) ?? []; claims.length > 0; claims = this.#waiting.get(name) ?? []) {
      this.#waiting.set(name, [])
      try {
        const answers = await this.#change(user, identity, (shelf) => (shelf ? take(shelf, claims) : { answer: [] }))
        for (const [at, { resolve }] of claims.entries()) resolve(answers[at])
      } catch (error) {
        for (const { reject } of claims) reject(error)
      }
    }
    this.#waiting.delete(name)
  }

  /** Answers what `next` does of a version that stood; a shelf that it does not change is not written. */
  async #change<Answer>(
    user: UserId,
    identity: string,
    next: (shelf: Shelf | undefined) => { readonly shelf?: Shelf; readonly answer: Answer },
  ): Promise<Answer> {
    for (let tried = 0; tried < tries; tried++) {
      const row = await this.#store.shelf(user, identity)
      const before = row && unpacked(row)
      const { shelf, answer } = next(before)
      if (!shelf || shelf === before) return answer
      const version = (row?.version ?? 0) + 1
      if (await this.#store.saveShelf(user, identity, { version, ...packed(shelf) })) return answer
    }
    throw new Error(`the shelf of ${user} could not be changed: too many want it at once`)
  }
}

/** For all of these claims, in their order. */
function take(shelf: Shelf, claims: readonly Claim[]): { readonly shelf: Shelf; readonly answer: Claimed[] } {
  const { identity, signed } = shelf
  let now = shelf
  const answer = claims.map(({ wantsOnce }): Claimed => {
    const { shelf: next, once } = wantsOnce ? claimed(now) : { shelf: now, once: undefined }
    now = next
    return { bundle: { identity, signed, once }, left: once && next.left.length }
  })
  return { shelf: now, answer }
}
