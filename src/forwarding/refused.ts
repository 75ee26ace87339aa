/**
 * Asks that were refused for now, where who asked had not heard of it yet when it sent the next: that must not overtake them. Within one
 * node a refusal is heard at once, and of what follows nothing has left.
 */
import { isBehind, isForNow, noteRefusal, type Refusals, type Step } from '../../actors/lanes.ts'
import type { Accepted, Origin } from '../../actors/log/types.ts'
import type { Message } from './frames.ts'

/** Senders and recipients that are remembered. */
const most = 65_536

export class RefusedAsks {
  readonly #steps: Refusals<string> = new Map()

  /** What became of a message to `id`. */
  note(id: string, message: Message, answer: Accepted): void {
    if (answer.is !== 'refused' || !isForNow(answer.code)) return
    const lane = laneOf(id, message)
    if (lane) noteRefusal(this.#steps, lane.name, lane.step, most)
  }

  isBehind(id: string, message: Message): boolean {
    if (this.#steps.size === 0) return false
    const lane = laneOf(id, message)
    return lane !== undefined && isBehind(this.#steps, lane.name, lane.step)
  }
}

/** undefined: it has nothing that it could overtake. */
function laneOf(id: string, { is, origin, step }: Message): { readonly name: string; readonly step: Step } | undefined {
  const from = origin as Origin | undefined
  if (is !== 'deliver' || !from || from.is === 'program') return undefined
  return { name: `${from.ref} ${id}`, step: step as Step }
}
