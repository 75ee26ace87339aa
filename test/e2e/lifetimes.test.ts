/** Lifetimes, histories and deletion on the wire and from code: what comes, what comes no more, and what is kept. */
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { SendRefused } from '../../src/index.ts'
import { end, node, start, url } from './nodes.ts'
import { acknowledging, dial, entries, type Frame } from './raw.ts'

afterEach(end)

let ids = 0

/** A device that acknowledges what comes, and keeps it. */
async function enter(user: string, device = 'phone', cursor: readonly number[] = [0, 0]) {
  const { socket, say, frames } = await dial(url, user, device, acknowledging, cursor)
  await expect.poll(() => frames.some(([kind]) => kind === 'live')).toBe(true)
  const found = (id: string) =>
    frames.find((f) => (f[0] === 'sent' && f[1] === id) || (f[0] === 'error' && f[3] === id))
  const send = async (to: string, body: string, change?: string) => {
    ids += 1
    const id = `00000000-0000-7000-8000-${String(ids).padStart(12, '0')}`
    say('send', id, to, body, false, null, ...(change ? [change] : []))
    await expect.poll(() => found(id)).toBeDefined()
    const [kind, code] = found(id) as Frame
    return kind === 'sent' ? 'sent' : code
  }
  const all = (kind: string) => frames.filter((frame) => frame[0] === kind)
  const history = async (chat: string, before = [0, 0], limit = 100) => {
    ids += 1
    say('history', `h${ids}`, chat, ...before, limit)
    await expect.poll(() => all('done').some((frame) => frame[2] === `h${ids}`)).toBe(true)
    return all('past').filter((frame) => frame[1] === `h${ids}`)
  }
  const erase = async (chat: string, from = 1, upTo = Number.MAX_SAFE_INTEGER) => {
    say('delete', chat, from, upTo)
    await expect.poll(() => all('done').at(-1)).toEqual(['done', 'delete', chat, upTo, from])
  }
  const leave = async () => {
    socket.close()
    await once(socket, 'close')
  }
  return { say, send, all, history, erase, leave, frames, bodies: () => all('message').map((frame) => frame[5]) }
}

/** What a device that is new to the user gets. */
async function fresh(user: string): Promise<Frame[]> {
  ids += 1
  const { frames, leave } = await enter(user, `device ${ids}`)
  await leave()
  return frames.filter(([kind]) => entries.includes(kind as string))
}

describe('a node whose chats are permanent', () => {
  it('gives a later device both halves of a conversation, also of a group, until somebody sets another lifetime', async () => {
    await start({ lifetime: 'permanent' })
    const [ann, ben] = [await enter('ann'), await enter('ben')]
    const group = '#00000000-0000-7000-8000-000000000001'
    await ann.send(group, 'Team', 'create')
    await ann.send(group, 'ben', 'add')
    for (const chat of [group, 'ben']) await ann.send(chat, 'hi')
    await ben.send('ann', 'hello')
    await ben.send(group, 'hello, all')
    const tablet = await enter('ann', 'tablet')
    const said = async (chat: string) => (await tablet.history(chat)).map((frame) => [frame[4], frame[6]]).reverse()
    expect(await said('ben')).toEqual([
      ['ann', 'hi'],
      ['ben', 'hello'],
    ])
    await expect.poll(() => said(group)).toContainEqual(['ben', 'hello, all'])
    tablet.say('ask', 'settings')
    await expect.poll(() => tablet.all('settings')[0]?.[6]).toBe('\tpermanent')
    // What is set is as set, also where it is what other nodes begin with.
    await ann.send('ben', 'default', 'lifetime')
    await expect.poll(() => tablet.all('settings').at(-1)?.[6]).toBe('\tpermanent\nben\tdefault')
    await ann.send('ben', 'goes after 30 days')
    expect(await said('ben')).not.toContainEqual(['ann', 'goes after 30 days'])
  })
})

describe('the lifetime of a chat', () => {
  it('is changed by either side, comes to both in their order, and marks what follows', async () => {
    await start()
    const [ann, ben] = [await enter('ann'), await enter('ben')]
    expect(await ann.send('ben', 'before')).toBe('sent')
    expect(await ann.send('ben', 'read 60000', 'lifetime')).toBe('sent')
    // The own copy comes before `sent`, also where there is no other device.
    expect(ann.frames.findIndex(([kind]) => kind === 'copy')).toBeLessThan(ann.frames.length - 1)
    expect(ann.all('copy').map((frame) => [frame[3], frame[5], ...frame.slice(8)])).toEqual([
      ['ben', 'read 60000', null, 'read 60000', 'lifetime'],
    ])
    expect(await ben.send('ann', 'after')).toBe('sent')
    await expect
      .poll(() => ben.all('message').map((frame) => frame.slice(5)))
      .toEqual([['before'], ['read 60000', null, null, 'read 60000', 'lifetime']])
    await expect
      .poll(() => ann.all('message').map((frame) => frame.slice(5)))
      .toEqual([['after', null, null, 'read 60000']])
    ann.say('ask', 'settings')
    await expect.poll(() => ann.all('settings').at(-1)?.[6]).toBe('ben\tread 60000')
    expect(await ben.send('ann', 'default', 'lifetime')).toBe('sent')
    await expect.poll(() => ann.all('settings').at(-1)?.[6]).toBe('')
    expect(await ann.send('ben', 'again as ever')).toBe('sent')
    await expect.poll(() => ben.all('message').at(-1)).toHaveLength(6)
  })

  it('is refused where messages are, and where a list is full', async () => {
    await start({ limits: { listed: 1 } })
    const [ann, ben] = [await enter('ann'), await enter('ben')]
    ben.say('set', 'b', 'blocked', 'cat', true)
    await expect.poll(() => ben.all('done').length).toBe(1)
    const cat = await enter('cat')
    expect(await cat.send('ben', 'temporary', 'lifetime')).toBe('blocked')
    expect(await ann.send('ben', 'temporary', 'lifetime')).toBe('sent')
    expect(await ann.send('dan', 'temporary', 'lifetime')).toBe('list_full')
    expect(await cat.send('ann', 'temporary', 'lifetime')).toBe('list_full')
    expect(await ann.send('ben', 'permanent', 'lifetime')).toBe('sent')
  })

  it('temporary: what every device has is never sent again', async () => {
    await start()
    const ann = await enter('ann')
    const [phone, laptop] = [await enter('ben'), await enter('ben', 'laptop')]
    await ann.send('ben', 'temporary', 'lifetime')
    await laptop.leave()
    expect(await ann.send('ben', 'secret')).toBe('sent')
    await expect.poll(() => phone.bodies()).toEqual(['temporary', 'secret'])
    await pause(1_500)
    const late = await enter('ben', 'laptop', [0, 0])
    await expect.poll(() => late.bodies()).toContain('secret')
    await expect.poll(async () => JSON.stringify(await fresh('ben'))).not.toContain('secret')
    expect(ann.all('receipt').at(-1)?.slice(2)).toEqual(['ben', expect.any(Number), 2, 0])
  })

  it('delivered and read: a message vanishes its time after that, and a copy after it was appended', async () => {
    await start()
    const [ann, ben] = [await enter('ann'), await enter('ben')]
    await enter('ann', 'laptop')
    await ann.send('ben', 'delivered 1000', 'lifetime')
    await ann.send('ben', 'early')
    await ben.send('ann', 'read 1000', 'lifetime')
    await ann.send('ben', 'later')
    await expect.poll(() => ben.bodies()).toEqual(['delivered 1000', 'early', 'later'])
    await expect.poll(async () => JSON.stringify(await fresh('ben'))).not.toContain('early')
    await expect.poll(async () => JSON.stringify(await fresh('ann'))).not.toMatch(/early|later/)
    expect(JSON.stringify(await fresh('ben'))).toContain('later')
    const seq = ben.all('message').at(-1)?.[1]
    ben.say('read', 'ann', seq)
    await expect.poll(() => ben.all('done').at(-1)).toEqual(['done', 'read', 'ann', seq])
    await expect.poll(async () => JSON.stringify(await fresh('ben'))).not.toContain('later')
  })
})

describe('a permanent chat', () => {
  it('is read back by both sides, newest first, in pages, until each has deleted it', async () => {
    await start()
    const [ann, ben] = [await enter('ann'), await enter('ben')]
    await ann.send('ben', 'not kept')
    await ann.send('ben', 'permanent', 'lifetime')
    for (const body of ['early', 'later']) await ann.send('ben', body)
    await ben.send('ann', 'latest')
    const told = (past: Frame[]) => past.map((frame) => [frame[4], frame[6]])
    const whole = [
      ['ben', 'latest'],
      ['ann', 'later'],
      ['ann', 'early'],
      ['ann', 'permanent'],
    ]
    expect(told(await ben.history('ann'))).toEqual(whole)
    const kept = await ann.history('ben')
    expect(told(kept)).toEqual(whole)
    expect(kept.map((frame) => frame[9])).toEqual([0, 4, 3, 2])
    expect(kept.at(-1)?.slice(7)).toEqual([null, expect.any(Number), 2, null, 'lifetime'])
    const first = await ann.history('ben', [0, 0], 3)
    const [, , seq, , , time] = first.at(-1) as Frame
    expect(told([...first, ...(await ann.history('ben', [time, seq] as number[]))])).toEqual(whole)
    expect(await node.history('ben', 'ann', { limit: 1 })).toMatchObject([{ from: 'ben', body: 'latest' }])
    await ann.erase('ben')
    await ann.erase('ben')
    expect(await ann.history('ben')).toEqual([])
    expect(told(await ben.history('ann'))).toEqual(whole)
    await node.deleteChat('ben', 'ann')
    expect(await ben.history('ann')).toEqual([])
    expect(JSON.stringify([await fresh('ann'), await fresh('ben')])).not.toMatch(/early|later|latest/)
  })

  it('deletes single messages, and tells the other devices', async () => {
    await start()
    const [ann, ben, laptop] = [await enter('ann'), await enter('ben'), await enter('ben', 'laptop')]
    await ann.send('ben', 'permanent', 'lifetime')
    for (const body of ['early', 'later', 'latest']) await ann.send('ben', body)
    await expect.poll(() => ben.bodies().length).toBe(4)
    await ben.erase('ann', 3, 3)
    await expect.poll(() => laptop.all('deleted').map((frame) => frame.slice(2))).toEqual([['ann', 3, 3]])
    expect((await ben.history('ann')).map((frame) => frame[6])).toEqual(['latest', 'early', 'permanent'])
    const replayed = (await fresh('ben')).slice(0, 4)
    expect(replayed.map((frame) => (frame[0] === 'gone' ? frame.slice(1) : frame[5]))).toEqual([
      'permanent',
      'early',
      [3, 3],
      'latest',
    ])
    await ben.erase('ann', 1, 3)
    expect((await fresh('ben'))[0]).toEqual(['gone', 1, 3])
  })
})

describe('a group', () => {
  it('has its lifetime from an admin; its messages are kept by each member, or vanish', async () => {
    await start()
    const [ann, ben, cat] = [await enter('ann'), await enter('ben'), await enter('cat')]
    for (const [body, change] of [
      ['Team', 'create'],
      ['ben', 'add'],
      ['cat', 'add'],
    ] as const)
      await ann.send('#team', body, change)
    expect(await ben.send('#team', 'permanent', 'lifetime')).toBe('not_an_admin')
    expect(await ann.send('#team', 'permanent', 'lifetime')).toBe('sent')
    expect(await ann.send('#team', 'permanent', 'lifetime')).toBe('no_change')
    expect(await ben.send('#team', 'kept')).toBe('sent')
    for (const member of [ann, ben, cat])
      await expect
        .poll(async () => (await member.history('#team')).map((frame) => [frame[4], frame[6]]))
        .toEqual([
          ['ben', 'kept'],
          ['ann', 'permanent'],
        ])
    await ann.send('#team', 'temporary', 'lifetime')
    ben.say('members', '#team')
    await expect.poll(() => ben.all('group').at(-1)?.at(-1)).toBe('temporary')
    expect(await ben.send('#team', 'secret')).toBe('sent')
    await expect
      .poll(() => cat.all('message').at(-1)?.slice(5))
      .toEqual(['secret', null, expect.anything(), 'temporary'])
    await expect.poll(async () => JSON.stringify(await fresh('cat'))).not.toContain('secret')
    // A member who may see what came before sees what is left of it.
    await ann.send('#team', '5', 'history')
    await pause(4_000)
    await ann.send('#team', 'dan', 'add')
    const dan = await enter('dan')
    await expect
      .poll(() => dan.all('message').map((frame) => frame[5]))
      .toEqual(['permanent', 'kept', 'temporary', '5', 'dan'])
  })
})

it('sets a lifetime from code, and says why not', async () => {
  await start()
  const ben = await enter('ben')
  const { seq } = await node.setLifetime('ann', 'ben', 'permanent')
  expect(seq).toBe(1)
  await node.send({ from: 'ann', to: 'ben', body: 'hello' })
  expect((await node.history('ann', 'ben')).map(({ from, body, change }) => [from, body, change])).toEqual([
    ['ann', 'hello', undefined],
    ['ann', 'permanent', 'lifetime'],
  ])
  await expect.poll(() => ben.bodies()).toEqual(['permanent', 'hello'])
  const refused = await node.setLifetime('ann', 'ben', 'for ever' as 'default').catch((error: unknown) => error)
  expect(refused).toBeInstanceOf(SendRefused)
  expect(refused).toMatchObject({ code: 'bad_frame', retry: false })
})
