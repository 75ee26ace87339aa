/** People who claim what a device has left, one claim after another each. */
import { bundlesIn } from '../../src/protocol/keys/bundles.ts'
import { dial, type Frame } from './raw.ts'

/** Limits of a node that let them. */
export const claimLimits = { claimsOfOne: 100_000, claimsPerMinute: 100_000, keyChangesPerMinute: 100_000 }

export class Claims {
  /** The prekeys for one use that were given, and the codes of claims that were refused. */
  readonly given: string[] = []
  readonly refused: string[] = []
  #asked = 0

  /** That were sent, and not answered. */
  get open(): number {
    return this.#asked
  }

  /** `heard`: after each answer; false: that claimer claims no more. */
  begin(url: string, claimers: number, user: string, heard: () => boolean): Promise<unknown> {
    const hear = (frame: Frame, say: (...frame: Frame) => void) => {
      const isAnswer = frame[0] === 'bundles' || frame[0] === 'error'
      if (frame[0] === 'bundles') this.given.push(...numbersIn(frame))
      if (frame[0] === 'error') this.refused.push(String(frame[1]))
      if (isAnswer) this.#asked -= 1
      if (frame[0] !== 'welcome' && !(isAnswer && heard())) return
      this.#asked += 1
      say('claim', `${this.given.length}`, user, user)
    }
    return Promise.all(Array.from({ length: claimers }, (_, n) => dial(url, `claimer ${n}`, 'phone', hear)))
  }
}

/** Those of prekeys for one use. */
function numbersIn([, , , bytes]: Frame): string[] {
  const bundles = bundlesIn(Buffer.from((bytes as { base64: string }).base64, 'base64')) ?? []
  return bundles.flatMap(({ identity, once }) =>
    once ? [`${Buffer.from(identity).toString('hex')} ${once.number}`] : [],
  )
}
