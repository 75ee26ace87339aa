/** What the server says of this user's own messages: they are safe, their ticks rose, another device has sent them. */
import type { ServerFrame } from '../../protocol/frames.ts'
import type { Millis } from '../../protocol/ids.ts'
import { wasSealed } from '../../protocol/sealed.ts'
import { attachment } from './attachment.ts'
import { vanishes } from './forgetting.ts'
import { isWaiting } from './lines.ts'
import type { SessionState } from './state.ts'
import { keepMark, rose } from './storage.ts'
import type { Answered } from './ticks.ts'
import type { SessionEffect } from './types.ts'

type Of<Kind extends ServerFrame[0]> = Extract<ServerFrame, readonly [Kind, ...unknown[]]>

export function receipt(
  state: SessionState,
  [, , peer, epoch, delivered, read]: Of<'receipt'>,
  out: SessionEffect[],
): void {
  for (const risen of state.outbox.receipt(peer, { epoch, delivered, read })) rose(state, risen, out)
  keepMark(state, peer, out)
}

/** What another own device sent; of what this one sent it tells where the copy stands. */
export function copy(state: SessionState, frame: Of<'copy'>, now: Millis, out: SessionEffect[]): void {
  const [, position, id, to, time, body, epoch, seq, media, given, change = null] = frame
  const copy = { epoch: state.inbox.safe.epoch, seq: position }
  const lifetime = given ?? 'default'
  const known = state.outbox.get(id)
  if (known) {
    known.message = { ...known.message, copy }
    return rose(state, known, out, 'placed')
  }
  const over = state.outbox.over(id)
  if (over) out.push({ do: 'tell', name: 'placed', event: { ...over, copy } })
  if (over !== undefined) return
  const message = {
    id,
    to,
    body,
    media: attachment(media),
    change,
    time,
    state: 'sent',
    at: { epoch, seq },
    copy,
    lifetime,
    expires: vanishes(lifetime, now),
    code: null,
    ...(wasSealed(frame) && { sealed: true }),
  } as const
  const copied = { message, n: state.outbox.number(), again: true, life: state.outbox.life }
  state.outbox.add(copied)
  rose(state, copied, out)
}

export function sent(state: SessionState, frame: Of<'sent'>, now: Millis, out: SessionEffect[]): void {
  const [, id, epoch, seq, time, lifetime = 'default'] = frame
  const known = state.outbox.get(id)
  if (!known || !isWaiting(known)) return
  const before = known.message.state
  state.outbox.sent(known, {
    at: { epoch, seq },
    time,
    lifetime,
    expires: vanishes(lifetime, now),
    ...(wasSealed(frame) && { sealed: true }),
  })
  // What was lost and is sent again has been told.
  rose(state, known, out, known.message.state === before ? 'placed' : 'message')
}

/** What was told in an earlier life of the node holds up to there. What was lost is sent again. */
export function stands(state: SessionState, [, to, epoch, life, upTo, now]: Of<'stands'>, out: SessionEffect[]): void {
  takeAnswer(state, to, state.outbox.answer({ to, epoch, life, upTo, now }), out)
}

/** Of what the node will not say, all holds. */
export function unanswered(state: SessionState, to: string, out: SessionEffect[]): void {
  for (const answered of state.outbox.unanswered(to)) takeAnswer(state, to, answered, out)
}

function takeAnswer(state: SessionState, to: string, { risen, moved, lost }: Answered, out: SessionEffect[]): void {
  const raised = new Set(risen)
  for (const one of new Set([...moved, ...risen, ...lost]))
    rose(state, one, out, raised.has(one) ? 'message' : 'placed')
  keepMark(state, to, out)
}
