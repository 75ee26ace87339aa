/** Groups on the wire: who may do what, one order for all, ticks of many, and nothing after a removal. */
import { afterEach, expect, it } from 'vitest'
import { end, start, url } from './nodes.ts'
import { acknowledging, enter as come, type Frame } from './raw.ts'

afterEach(end)

const team = '#team'
let ids = 0

/** A device that acknowledges what comes, and keeps it. */
async function enter(user: string) {
  const { socket, say, frames } = await come(url, user, 'phone', acknowledging)
  const answer = async (id: string) => {
    const found = () =>
      frames.find((frame) => (frame[0] === 'sent' && frame[1] === id) || (frame[0] === 'error' && frame[3] === id))
    await expect.poll(found).toBeDefined()
    return found() as Frame
  }
  const send = async (body: string, change?: string, again = false) => {
    ids += 1
    const id = `00000000-0000-7000-8000-${String(ids).padStart(12, '0')}`
    say('send', id, team, body, again, null, ...(change ? [change] : []))
    const [kind, code] = await answer(id)
    return kind === 'sent' ? 'sent' : code
  }
  return {
    socket,
    say,
    send,
    /** What came of the group: [change or 'says', who, body]. */
    seen: () =>
      frames
        .filter((frame) => frame[0] === 'message')
        .map((frame) => [(frame[7] as { change?: string }).change ?? 'says', frame[3], frame[5]]),
    places: () => frames.filter((frame) => frame[0] === 'message').map((frame) => (frame[7] as { at: number }).at),
    last: (kind: string) => frames.filter((frame) => frame[0] === kind).at(-1),
    frames,
  }
}

async function four() {
  const [ann, ben, cat, dan] = [await enter('ann'), await enter('ben'), await enter('cat'), await enter('dan')] as const
  expect(await ann.send('Team', 'create')).toBe('sent')
  for (const name of ['ben', 'cat']) expect(await ann.send(name, 'add')).toBe('sent')
  return { ann, ben, cat, dan }
}

it('hands messages and changes to every member in one order, and tells the sender when all have and have read them', async () => {
  await start()
  const { ann, ben, cat } = await four()
  expect(await ben.send('hello')).toBe('sent')
  await expect
    .poll(() => cat.seen())
    .toEqual([
      ['add', 'ann', 'cat'],
      ['says', 'ben', 'hello'],
    ])
  await expect
    .poll(() => ann.seen())
    .toEqual([
      ['create', 'ann', 'Team'],
      ['add', 'ann', 'ben'],
      ['add', 'ann', 'cat'],
      ['says', 'ben', 'hello'],
    ])
  expect(ann.places()).toEqual([1, 2, 3, 4])
  await expect.poll(() => ben.last('receipt')?.slice(2)).toEqual([team, expect.any(Number), 4, 0])
  ann.say('read', team, ann.frames.filter((frame) => frame[0] === 'message').at(-1)?.[1])
  const ticked = () => {
    ben.say('ticks', team, 4)
    return ben.last('ticked')
  }
  await expect.poll(ticked).toEqual(['ticked', team, 4, ['ann', 'cat'], ['ann']])
  expect(ben.last('receipt')?.[5]).toBeLessThan(4)
  cat.say('read', team, cat.frames.filter((frame) => frame[0] === 'message').at(-1)?.[1])
  await expect.poll(() => ben.last('receipt')?.slice(4)).toEqual([4, 4])
  ben.say('members', team)
  await expect
    .poll(() => ben.last('group'))
    .toEqual(['group', team, 'Team', 0, ['ann'], ['ann', 'ben', 'cat'], 'default'])
})

it('refuses strangers, who is no admin, and what changes nothing', async () => {
  await start({ limits: { members: 3 } })
  const { ann, ben, cat, dan } = await four()
  expect(await dan.send('let me in')).toBe('not_a_member')
  expect(await dan.send('let me in', undefined, true), 'also as a repeat').toBe('not_a_member')
  expect(await dan.send('dan', 'add')).toBe('not_a_member')
  expect(await ben.send('Mine', 'rename')).toBe('not_an_admin')
  expect(await ann.send('ben', 'add')).toBe('no_change')
  expect(await ann.send('dan', 'promote')).toBe('not_a_member')
  expect(await ann.send('Team', 'create')).toBe('no_change')
  expect(await ann.send('dan', 'add')).toBe('too_many_members')
  expect(await ann.send('', 'rename')).toBe('bad_frame')
  dan.say('members', team)
  await expect.poll(() => dan.last('error')?.slice(1, 4)).toEqual(['not_a_member', 'members', team])
  dan.say('members', '#none')
  await expect.poll(() => dan.last('error')?.slice(1, 4)).toEqual(['unknown_group', 'members', '#none'])
  expect(await ben.send('ok')).toBe('sent')
  await expect.poll(() => cat.seen().at(-1)).toEqual(['says', 'ben', 'ok'])
  expect(dan.seen()).toEqual([])
})

it('gives nothing after a removal, and to a new member what comes after joining, or the last few as well', async () => {
  await start()
  const { ann, ben, cat, dan } = await four()
  for (const text of ['1', '2', '3']) await ben.send(text)
  expect(await ann.send('cat', 'remove')).toBe('sent')
  expect(await ben.send('4')).toBe('sent')
  expect(await cat.send('5')).toBe('not_a_member')
  await expect.poll(() => ben.last('receipt')?.[4]).toBe(8)
  expect(cat.seen().slice(-2)).toEqual([
    ['says', 'ben', '3'],
    ['remove', 'ann', 'cat'],
  ])
  expect(await ann.send('2', 'history')).toBe('sent')
  expect(await ann.send('dan', 'add')).toBe('sent')
  await expect
    .poll(() => dan.seen())
    .toEqual([
      ['says', 'ben', '4'],
      ['history', 'ann', '2'],
      ['add', 'ann', 'dan'],
    ])
  expect(await ann.send('cat', 'add')).toBe('sent')
  expect(await ben.send('6')).toBe('sent')
  await expect
    .poll(() =>
      cat
        .seen()
        .slice(-4)
        .map(([, , body]) => body),
    )
    .toEqual(['2', 'dan', 'cat', '6'])
})

it('takes several at once by one change, all of them or none, and leaves those who are there as they are', async () => {
  await start({ limits: { members: 4 } })
  const { ann, ben, cat, dan } = await four()
  expect(await ann.send('ben\ncat', 'add')).toBe('no_change')
  expect(await ann.send('ben\ndan\neve', 'add')).toBe('too_many_members')
  for (const body of ['', 'dan\n', 'dan\n\neve', 'dan\n#other']) expect(await ann.send(body, 'add')).toBe('bad_frame')
  expect(await ann.send('ben', 'promote')).toBe('sent')
  expect(await ann.send('cat\ndan\nben\ndan', 'add')).toBe('sent')
  await expect.poll(() => dan.seen()).toEqual([['add', 'ann', 'dan']])
  await expect.poll(() => cat.seen().at(-1)).toEqual(['add', 'ann', 'dan'])
  ben.say('members', team)
  await expect
    .poll(() => ben.last('group')?.slice(4, 6))
    .toEqual([
      ['ann', 'ben'],
      ['ann', 'ben', 'cat', 'dan'],
    ])
})

it('goes on when the last admin leaves', async () => {
  await start()
  const { ann, ben } = await four()
  expect(await ann.send('', 'leave')).toBe('sent')
  ben.say('members', team)
  await expect.poll(() => ben.last('group')).toEqual(['group', team, 'Team', 0, ['ben'], ['ben', 'cat'], 'default'])
  await expect.poll(() => ann.seen().at(-1)).toEqual(['leave', 'ann', ''])
})
