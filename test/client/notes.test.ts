/** The place of a message that could not be read, in a chat: kept, and taken by the message when that comes. */
import { describe, expect, it } from 'vitest'
import { merge, newChat } from '../../src/client/chats/chat.ts'
import { type Line, otherKeys, otherList, toMe, unread } from '../../src/client/chats/line.ts'
import type { Unread } from '../../src/client/e2ee/types.ts'
import type { Incoming } from '../../src/client/types.ts'

const lost: Unread = {
  ...{ id: 'one', chat: 'bob', from: 'bob', why: 'bad_tag', retrying: true },
  ...{ time: 1_000, epoch: 1, seq: 1 },
}
const message = (id: string, time: number, seq: number): Incoming => ({
  ...{ id, chat: 'bob', from: 'bob', body: id, media: null, change: null, lifetime: 'default' },
  ...{ time, epoch: 1, seq, sealed: true, read: () => {} },
})
/** What became of a chat, and of its lines in their order. */
function kept(...lines: readonly Line[]) {
  const known = new Map<string, Line>()
  let chat = newChat('bob')
  for (const line of lines) {
    const merged = merge(chat, known.get(line.id), line, 5_000)
    chat = merged.chat
    known.set(line.id, merged.line)
  }
  return { chat, lines: [...known.values()].sort((a, b) => a.order - b.order) }
}

describe('the place of a message that could not be read', () => {
  it('stands before what came after it, is not unread, and has the message when that comes, which is', () => {
    const waiting = kept(unread(lost, 'alice'), toMe(message('two', 2_000, 2), 5_000))
    expect(waiting.lines.map(({ id, note }) => [id, note?.is])).toEqual([
      ['one', 'unread'],
      ['two', undefined],
    ])
    expect(waiting.chat).toMatchObject({ unread: 1, size: 2 })
    const healed = kept(
      unread(lost, 'alice'),
      toMe(message('two', 2_000, 2), 5_000),
      toMe(message('one', 1_000, 3), 5_000),
    )
    expect(healed.lines.map(({ text, note, sealed }) => [text, note, sealed])).toEqual([
      ['one', undefined, true],
      ['two', undefined, true],
    ])
    expect(healed.chat).toMatchObject({ unread: 2, size: 2, newest: { seq: 3 }, last: { id: 'two' } })
  })

  it('says in the end that it cannot be had, and never takes the place of a message that was read', () => {
    const over = kept(unread(lost, 'alice'), unread({ ...lost, why: 'not_kept', retrying: false }, 'alice'))
    expect(over.lines).toMatchObject([{ note: { is: 'unread', why: 'not_kept', retrying: false } }])
    const read = kept(toMe(message('one', 1_000, 1), 5_000), unread(lost, 'alice'))
    expect(read.lines).toMatchObject([{ text: 'one' }])
    expect(read.lines[0]?.note).toBeUndefined()
    expect(read.chat.unread).toBe(1)
  })

  it('is on the side of who wrote it', () => {
    expect(unread({ ...lost, from: 'alice' }, 'alice').mine).toBe(true)
    expect(unread(lost, 'alice').mine).toBe(false)
  })

  it('that other keys are there is told as the newest, and is not unread', () => {
    const { chat, lines } = kept(toMe(message('one', 1_000, 1), 5_000), otherKeys('bob', 'reset', 3_000))
    expect(lines.at(-1)?.note).toEqual({ is: 'identity', why: 'reset' })
    expect(chat).toMatchObject({ unread: 1, last: { note: { why: 'reset' } } })
  })

  it('so is that others have another list of who is in a sealed group', () => {
    const event = { group: '#sealed-1', why: 'differs', users: ['carol'] } as const
    const { chat, lines } = kept(otherList(event, 3_000))
    expect(lines).toMatchObject([{ chat: '#sealed-1', note: { is: 'group', why: 'differs', users: ['carol'] } }])
    expect(chat.unread).toBe(0)
  })
})
