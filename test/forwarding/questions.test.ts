/** What a node asks another of what an actor there knows. */
import { expect, it } from 'vitest'
import { type LinkFrame, pack } from '../../src/cluster/link/batch.ts'
import type { Link } from '../../src/cluster/link/link.ts'
import type { ForwardingContext } from '../../src/forwarding/context.ts'
import { kinds } from '../../src/forwarding/frames.ts'
import { Questions } from '../../src/forwarding/questions.ts'
import { Wheel } from '../../src/runtime/wheel.ts'
import { handClock } from '../cluster/pairs.ts'

it('answers what a link takes, and nothing where it is more: whoever asked reads it from the store', async () => {
  const reads = (chats: number) => Array.from({ length: chats }, (_, n) => [`customer-${n}@chat.example`, n])
  let known: unknown = reads(2)
  const local = { query: async () => known }
  const context = { wheel: new Wheel(handClock().clock), local, still: async () => {} }
  const questions = new Questions(context as unknown as ForwardingContext)
  const said: LinkFrame[] = []
  const tell = (frame: LinkFrame) => {
    pack(frame)
    said.push(frame)
  }
  const link = { tell } as unknown as Link
  await questions.answer(link, [kinds.query, 1, 'user', 'shop', 'reads'])
  expect(said).toEqual([[kinds.reply, 1, reads(2)]])
  known = reads(40_000)
  await questions.answer(link, [kinds.query, 2, 'user', 'shop', 'reads'])
  expect(said).toHaveLength(1)
})
