/** Messages of this user, for the sentences about the sending half. */
import type { Out } from '../../../src/client/session/types.ts'
import type { Lifetime } from '../../../src/protocol/lifetime.ts'

/** The `n`th message, which is to be sent. */
export const queued = (n: number, to = 'bob', more: Partial<Out['message']> = {}): Out => ({
  message: {
    id: `m${n}`,
    to,
    body: 'hi',
    media: null,
    change: null,
    time: n,
    state: 'queued',
    at: null,
    copy: null,
    lifetime: 'default' as Lifetime,
    expires: null,
    code: null,
    ...more,
  },
  n,
  again: false,
  life: 0,
})

/** The same that stands at `seq`. */
export const sentAt = (seq: number, epoch = 7, to = 'bob', life = 0): Out => ({
  ...queued(seq, to, { state: 'sent', at: { epoch, seq } }),
  life,
})
export const place = (seq: number, epoch = 7) => ({
  at: { epoch, seq },
  time: 1,
  lifetime: 'default' as const,
  expires: null,
})
export const names = (outs: readonly (Out | undefined)[]) => outs.map((out) => out?.message.id)
