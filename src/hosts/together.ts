/** What a turn of a user's actor has to say, before it leaves: of what only rises the last says all. */
import type { UserEffect } from '../../actors/user/effects.ts'
import type { UserMessage } from '../../actors/user/messages.ts'

type Receipt = Extract<UserMessage, { is: 'receipt' }>
type Tell = Extract<UserEffect, { do: 'tell' }> & { readonly message: Receipt }
type Done = Extract<UserEffect, { do: 'done' }>
type Rising = Tell | Done

const isReceipt = (effect: UserEffect): effect is Tell => effect.do === 'tell' && effect.message.is === 'receipt'
const isRising = (effect: UserEffect): effect is Rising => effect.do === 'done' || isReceipt(effect)

/**
 * One receipt for each peer: an `ack` and a `read` that come together have one each, and each would take a turn of the peer's actor, a push
 * to its devices, and a frame to another node. And one `done` for each device and chat: of a lively one many reads become durable together.
 */
export function together(effects: readonly UserEffect[]): readonly UserEffect[] {
  let count = 0
  for (const effect of effects) if (isRising(effect)) count += 1
  if (count < 2) return effects
  const kept: UserEffect[] = []
  const places = new Map<string, number>()
  for (const effect of effects) {
    const key = isRising(effect) ? keyOf(effect) : undefined
    const place = key === undefined ? undefined : places.get(key)
    if (place !== undefined) {
      kept[place] = joined(kept[place] as Rising, effect as Rising)
      continue
    }
    if (key !== undefined) places.set(key, kept.length)
    kept.push(effect)
  }
  return kept
}

/** Of what is one where it is the same. By another name of the log a receipt is another. */
const keyOf = (effect: Rising): string =>
  effect.do === 'done' ? `done ${effect.session} ${effect.chat}` : `${effect.message.epoch} ${effect.user}`

function joined(before: Rising, after: Rising): Rising {
  if (before.do === 'done') return { ...before, seq: Math.max(before.seq, (after as Done).seq) }
  return { ...before, message: joinedReceipt(before.message, (after as Tell).message) }
}

/** What of it is certainly new makes all of it worth an entry. */
const joinedReceipt = (before: Receipt, after: Receipt): Receipt => ({
  ...after,
  delivered: Math.max(before.delivered, after.delivered),
  read: Math.max(before.read, after.read),
  again: before.again && after.again,
  awaited: before.awaited === true || after.awaited === true,
})
