/** The chats as a program has them: what is kept, what is unread, what vanishes. No sockets; the shelf in memory. */
import { describe, expect, it } from 'vitest'
import { isArchived, isMuted, isPinned, memoryShelf, openBook, type Shelf } from '../../src/client/chats/index.ts'
import type { Client } from '../../src/client/index.ts'
import { Disk, settle, World } from './world.ts'

const message = (seq: number, body = `no ${seq}`, ...rest: unknown[]) =>
  ['message', seq, `id-${String(seq).padStart(4, '0')}`, 'alice', seq, body, ...rest] as never
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n)

async function opened(...frames: never[]) {
  const world = new World()
  const client: Client = await world.online()
  const shelf = memoryShelf()
  const book = await openBook(client, 'bob', shelf)
  world.link.say(...frames)
  await settle()
  return { world, client, shelf, book }
}

describe('the reader of a client', () => {
  it('is free for another when the book is closed, at once and while it waits', async () => {
    const { world, client, shelf, book } = await opened(message(1))
    book.close()
    const next = await openBook(client, 'bob', shelf)
    world.link.say(message(2))
    await settle()
    expect(next.chat('alice')).toMatchObject({ unread: 2, last: { text: 'no 2' } })
    expect(book.chat('alice')).toMatchObject({ unread: 1 })
    next.close()
    const messages = client.messages()
    const third = messages.next()
    world.link.say(message(3))
    expect(await third).toMatchObject({ value: { body: 'no 3' } })
  })

  it('is one: a second book says so, and the first goes on', async () => {
    const { world, client, book } = await opened(message(1))
    await expect(openBook(client, 'bob')).rejects.toMatchObject({ code: 'already_read' })
    world.link.say(message(2))
    await settle()
    expect(book.chat('alice').unread).toBe(2)
  })

  it('is of no use to a book of a client that has ended, which shows what is kept', async () => {
    const { client, shelf, book } = await opened(message(1))
    book.close()
    await client.close()
    expect((await openBook(client, 'bob', shelf)).chat('alice').last).toMatchObject({ text: 'no 1' })
  })
})

describe('a book of a device that has nothing yet', () => {
  const chat = (id: string, seq: number, unread: number, read: number, tags = '') =>
    ['chat', id, seq, seq, unread, read, 'default', tags] as never
  const done = (n: number) => ['done', 'ask', 'chats', n] as never
  const shown = (book: { all: readonly { id: string; unread: number }[] }) =>
    book.all.map(({ id, unread }) => [id, unread])

  it('shows what the server tells of chats before their messages come, and then what has come', async () => {
    const { world, book } = await opened()
    expect(world.link.of('ask')).toContainEqual(['ask', 'chats'])
    world.link.say(chat('alice', 6, 2, 3), chat('carol', 2, 0, 2), done(2))
    await settle()
    expect(shown(book)).toEqual([
      ['alice', 2],
      ['carol', 0],
    ])
    expect(book.chat('alice')).toMatchObject({ last: null, told: { seq: 6, time: 6 } })
    world.link.say(message(1))
    await settle()
    expect(book.chat('alice')).toMatchObject({ unread: 2, last: { text: 'no 1' } })
    world.link.say(...range(2, 6).map((seq) => (seq === 2 ? (['gone', 2, 2] as never) : message(seq))))
    await settle()
    expect(book.chat('alice')).toMatchObject({ unread: 3, told: null, last: { text: 'no 6' } })
    expect(shown(book), 'nothing of it is left').toEqual([['alice', 3]])
  })

  it('keeps a permanent chat in the list of which all has left the inbox, and nothing comes', async () => {
    const { world, book } = await opened()
    world.link.say(
      ['settings', 'everyone', 'everyone', true, '', '', 'alice\tpermanent', 'everyone', ''] as never,
      chat('alice', 2, 0, 0),
      chat('carol', 3, 0, 0),
      done(2),
    )
    await settle()
    world.link.say(...range(1, 4).map((seq) => ['gone', seq, seq] as never))
    world.link.say(['message', 5, 'id-0005', 'dave', 5, 'hello'] as never)
    await settle()
    expect(shown(book)).toEqual([
      ['dave', 1],
      ['alice', 0],
    ])
    expect(book.chat('alice')).toMatchObject({ last: null, told: { seq: 2, time: 2 } })
    const deleted = book.delete('alice')
    await settle()
    const [[, , from, upTo] = []] = world.link.of('delete')
    world.link.say(['done', 'delete', 'alice', upTo, from] as never)
    await deleted
    expect(shown(book)).toEqual([['dave', 1]])
  })

  it('goes by what was read or deleted meanwhile, here or elsewhere', async () => {
    const { world, book } = await opened()
    world.link.say(message(1), message(2))
    await settle()
    await book.read('alice')
    world.link.say(chat('alice', 4, 3, 1), chat('carol', 3, 1, 0), chat('dave', 5, 1, 0), done(3))
    await settle()
    expect(book.chat('alice'), 'more was read than the server knew').toMatchObject({ unread: 0, told: null })
    world.link.say(['seen', 0, 'carol', 3] as never)
    await settle()
    expect(book.chat('carol')).toMatchObject({ unread: 0, told: null })
    const deleted = book.delete('dave')
    await settle()
    const [[, , from, upTo] = []] = world.link.of('delete')
    world.link.say(['done', 'delete', 'dave', upTo, from] as never)
    await deleted
    expect(book.all.map(({ id }) => id)).toEqual(['alice'])
  })

  it('asks no more once it has something', async () => {
    const { client, world, shelf, book } = await opened(message(1))
    book.close()
    const before = world.link.of('ask').filter(([, what]) => what === 'chats').length
    await openBook(client, 'bob', shelf)
    await settle()
    expect(world.link.of('ask').filter(([, what]) => what === 'chats')).toHaveLength(before)
  })
})

describe('a book', () => {
  it('counts what is unread: all, what is left when some was read here, and when some was read on another device', async () => {
    const { world, book } = await opened(...range(1, 6).map((seq) => message(seq)))
    const texts = async () => (await book.lines('alice')).map(({ text }) => text)
    expect(book.chat('alice')).toMatchObject({ unread: 6, last: { text: 'no 6' } })
    expect(await texts()).toEqual(range(1, 6).map((seq) => `no ${seq}`))
    const [, second] = await book.lines('alice')
    await book.read('alice', second)
    await world.clock.pass(100)
    expect(world.link.of('read').at(-1)).toEqual(['read', 'alice', 2])
    expect(book.chat('alice').unread).toBe(4)
    expect(await book.firstUnread('alice')).toMatchObject({ text: 'no 3' })
    world.link.say(['seen', 0, 'alice' as never, 4])
    await settle()
    expect(book.chat('alice').unread).toBe(2)
    expect(await book.firstUnread('alice')).toMatchObject({ text: 'no 5' })
    // What was read is not read again, nor less of it.
    await book.read('alice', second)
    expect(book.chat('alice').unread).toBe(2)
    await book.read('alice')
    await world.clock.pass(100)
    expect(world.link.of('read').at(-1)).toEqual(['read', 'alice', 6])
    expect(book.chat('alice').unread).toBe(0)
    expect(await book.firstUnread('alice')).toBeUndefined()
  })

  it('counts nothing as unread that was read elsewhere before it came', async () => {
    const { world, book } = await opened(['seen', 0, 'alice', 2] as never)
    world.link.say(...range(1, 3).map((seq) => message(seq)))
    await settle()
    expect(book.chat('alice').unread).toBe(1)
    expect(await book.firstUnread('alice')).toMatchObject({ text: 'no 3' })
  })

  /** A shelf whose work waits while it is `held`. */
  const slowShelf = () => {
    const shelf = memoryShelf()
    let [isFree, free] = [Promise.resolve(), () => {}]
    const hold = () => {
      isFree = new Promise((resolve) => {
        free = resolve
      })
    }
    const read: Shelf['read'] = (work) => isFree.then(() => shelf.read(work))
    const write: Shelf['write'] = (work) => isFree.then(() => shelf.write(work))
    return { shelf: { ...shelf, read, write }, hold, free: () => free() }
  }
  /** What another device sent. */
  const copy = (seq: number, text: string) =>
    ['copy', seq, `own-${seq}`, 'alice', seq, text, 3, seq, null, 'permanent'] as never

  it('has all that came while what is kept was being read: own messages, what was read, and what is deleted', async () => {
    const world = new World()
    const client = world.connect()
    // A program may know the settings before.
    const known = client.settings()
    const { shelf, hold, free } = slowShelf()
    hold()
    const opening = openBook(client, 'bob', shelf)
    await world.welcomed({ tail: 7 })
    const settings = ['settings', 'everyone', 'everyone', true, '', '', '\tpermanent']
    world.link.say(settings as never, ['done', 'ask', 'settings', 0] as never)
    await known
    world.link.say(message(1), copy(2, 'read by now'), message(3), copy(4, 'on its way'), message(5))
    world.link.say(['receipt', 6, 'alice', 3, 4, 2] as never, ['seen', 7, 'alice', 3] as never)
    world.link.say(['deleted', 8, 'alice', 1, 1] as never)
    await settle()
    free()
    const book = await opening
    await settle()
    expect((await book.lines('alice')).map(({ text, state }) => `${text} ${state}`)).toEqual([
      'read by now read',
      'no 3 read',
      'on its way delivered',
      'no 5 read',
    ])
    expect(book.chat('alice')).toMatchObject({ unread: 1, lifetime: 'permanent' })
  })

  it('lacks nothing after a crash: what it has not kept yet, the storage of its client does not say that it has', async () => {
    const { shelf, hold, free } = slowShelf()
    const [disk, first] = [new Disk(), new World()]
    const book = await openBook(await first.online({ storage: disk }), 'bob', shelf)
    first.link.say(copy(1, 'read by now'), copy(2, 'on its way'))
    await first.clock.pass(1_000)
    expect(first.link.of('ack')).toEqual([['ack', 2]])
    hold()
    const news = [copy(3, 'new'), ['receipt', 4, 'alice', 3, 2, 1], ['seen', 5, 'ann', 3]] as never[]
    first.link.say(...news)
    await first.clock.pass(1_000)
    expect(first.link.of('ack')).toEqual([['ack', 2]])
    // The program is killed: it comes again with what was stored, and what stood on the shelf.
    book.close()
    free()
    const again = new World()
    const kept = new Disk()
    kept.kept = structuredClone(disk.kept)
    const next = await openBook(await again.online({ storage: kept }, { seq: 2, tail: 5 }), 'bob', shelf)
    expect(again.link.of('hello')[0]?.[4]).toBe(2)
    again.link.say(...news)
    await again.clock.pass(1_000)
    const lines = await next.lines('alice')
    expect(lines.map(({ text, state }) => `${text} ${state}`)).toEqual([
      'read by now read',
      'on its way delivered',
      'new sent',
    ])
    expect(next.chat('ann').seen).toEqual({ epoch: 7, seq: 3 })
    expect(again.link.of('ack').at(-1)).toEqual(['ack', 5])
  })

  it('keeps an own message whenever it comes, also as another has just been kept', async () => {
    const world = new World()
    const shelf = memoryShelf()
    let said = 0
    /** The next comes some microtasks after something was read: with each one later. */
    const read: Shelf['read'] = async (work) => {
      const answer = await shelf.read(work)
      if (said === 0 || said === 60) return answer
      said += 1
      const [seq, turns] = [said, range(1, said / 2)]
      const later = turns.reduce((last) => last.then(() => {}), Promise.resolve())
      void later.then(() => world.link.say(copy(seq, `own ${seq}`)))
      return answer
    }
    const book = await openBook(await world.online(), 'bob', { ...shelf, read })
    said = 1
    world.link.say(copy(1, 'own 1'))
    for (let n = 0; n < 100; n++) await settle()
    const lines = await book.lines('alice', { count: 100 })
    expect(lines.map(({ text }) => text)).toEqual(range(1, 60).map((n) => `own ${n}`))
  })

  it('has messages of every lifetime, and the timer of those runs that wait to be read', async () => {
    const lifetimes = ['permanent', 'temporary', 'read 30000', 'delivered 3600000'] as const
    const frames = lifetimes.map((lifetime, n) => message(n + 1, lifetime, null, null, lifetime))
    const { book } = await opened(...frames)
    const times = async () => (await book.lines('alice')).map(({ text, expires }) => [text, expires !== null])
    expect(await times()).toEqual([
      ['permanent', false],
      ['temporary', false],
      ['read 30000', false],
      ['delivered 3600000', true],
    ])
    await book.read('alice')
    expect((await times())[2]).toEqual(['read 30000', true])
  })

  it('has own messages with what becomes of them, what is deleted no more, and finds words in any chat, the newest first', async () => {
    const { world, client, book } = await opened(message(1, 'About Lunch'), message(2, 'tomorrow'))
    const sent = await client.queue('carol', 'lunch at one?')
    await settle()
    expect(book.all.map(({ id }) => id)).toEqual(['carol', 'alice'])
    expect(book.chat('carol').last).toMatchObject({ mine: true, state: 'queued', text: 'lunch at one?' })
    world.link.say(['sent', sent.id, 1, 1, 9] as never)
    await settle()
    expect(book.chat('carol').last).toMatchObject({ state: 'sent' })
    expect((await book.find('LUNCH')).map(({ text }) => text).sort()).toEqual(['About Lunch', 'lunch at one?'])
    const [first] = await book.lines('alice')
    const deleted = first && book.delete(first)
    await settle()
    expect((await book.lines('alice')).map(({ text }) => text)).toEqual(['tomorrow'])
    expect(book.chat('alice').unread).toBe(1)
    world.link.say(['done', 'delete', 'alice', 1, 1] as never)
    await deleted
  })

  it('gives lines before and after a place in a chat, and keeps what is written and not sent', async () => {
    const { book, client, shelf } = await opened(...range(1, 9).map((seq) => message(seq)))
    const all = await book.lines('alice')
    const order = all[4]?.order ?? 0
    const texts = async (asked: object) => (await book.lines('alice', asked)).map(({ text }) => text)
    expect(await texts({ before: order, count: 2 })).toEqual(['no 3', 'no 4'])
    expect(await texts({ after: order, count: 2 })).toEqual(['no 6', 'no 7'])
    // A line that came late is older than those that are shown, and what lies between is not.
    const past = book.past(all[6])
    const earlier = async () => (await past.earlier(book.chat('alice'), all[1])).map(({ text }) => text)
    expect(await earlier()).toEqual(range(1, 6).map((seq) => `no ${seq}`))
    await book.draft('alice', 'unfinished')
    await book.draft('carol', 'nothing after all')
    expect(book.all.map(({ id }) => id)).toEqual(['carol', 'alice'])
    await book.draft('carol', '')
    expect(book.all.map(({ id }) => id)).toEqual(['alice'])
    book.close()
    await client.close()
    const world = new World()
    const again = await openBook(await world.online(), 'bob', shelf)
    expect(again.chat('alice')).toMatchObject({ draft: 'unfinished', unread: 9 })
  })

  /** What the server says of the tags. */
  const tagged = (...lines: string[]) =>
    ['settings', 'everyone', 'everyone', true, '', '', '\tpermanent', 'everyone', lines.join('\n')] as never
  const from = (chat: string, seq: number) => ['message', seq, `id-${seq}`, chat, seq, `no ${seq}`] as never

  it('has pinned chats on top, and what is archived only until the next message, unless it is muted', async () => {
    const { world, book, shelf } = await opened(from('ann', 1), from('ben', 2), from('cat', 3), from('dan', 4))
    const shown = () => book.all.map((chat) => (isArchived(chat) ? `(${chat.id})` : chat.id))
    expect(shown()).toEqual(['dan', 'cat', 'ben', 'ann'])
    world.link.say(tagged('ann\tpinned=5', 'ben\tpinned=6', 'cat\tarchived=3', 'dan\tarchived=4\tmuted=Infinity'))
    await settle()
    expect(shown()).toEqual(['ben', 'ann', '(dan)', '(cat)'])
    expect(book.all.map((chat) => [isPinned(chat), isMuted(chat)])).toEqual([
      [true, false],
      [true, false],
      [false, true],
      [false, false],
    ])
    world.link.say(from('cat', 5), from('dan', 6))
    await settle()
    expect(shown()).toEqual(['ben', 'ann', '(dan)', 'cat'])
    expect(book.chat('dan')).toMatchObject({ unread: 2, lifetime: 'permanent' })
    // A chat that comes is at once what was said of it before.
    world.link.say(tagged('eve\tpinned=7', 'dan\tarchived=4'))
    await settle()
    expect(shown()).toEqual(['dan', 'cat', 'ben', 'ann'])
    expect(isPinned(book.chat('eve'))).toBe(true)
    const whenTold: boolean[] = []
    book.on('lines', () => whenTold.push(isPinned(book.chat('eve'))))
    world.link.say(from('eve', 7))
    await settle()
    expect(shown()[0]).toBe('eve')
    expect(whenTold, 'before its first line is told').toEqual([true])
    expect((await shelf.read((hand) => hand.chat('eve')))?.tags).toEqual({ pinned: 7 })
  })

  it('is what the last settings say, however fast they change', async () => {
    const { world, book } = await opened(...range(1, 9).map((seq) => from(`user ${seq}`, seq)))
    for (const pinned of [1, 2, 3])
      world.link.say(tagged(...range(1, 9).map((n) => `user ${n}\tpinned=${pinned * 10 + n}`)))
    world.link.say(tagged('user 4\tpinned=1'))
    const pinned = () => book.all.filter(isPinned).map(({ id, tags }) => [id, tags])
    await expect.poll(pinned).toEqual([['user 4', { pinned: 1 }]])
    await settle()
    expect(pinned()).toHaveLength(1)
  })

  it('tells when a mute is over, by itself', async () => {
    const { world, book } = await opened(from('ann', 1))
    const until = Date.now() + 200
    world.link.say(tagged(`ann\tname=Ann\tmuted=${until}`))
    await settle()
    expect(isMuted(book.chat('ann'))).toBe(true)
    const before = book.chat('ann')
    await new Promise<void>((resolve) => book.on('chats', () => book.chat('ann').tags.muted ?? resolve()))
    expect(Date.now()).toBeGreaterThanOrEqual(until)
    expect(book.chat('ann').tags).toEqual({ name: 'Ann' })
    expect(book.chat('ann'), 'another object').not.toBe(before)
  })

  it('shows no chat of which it only knows that it was read, and what comes of it as read', async () => {
    const { world, book } = await opened(['seen', 1, 'ann', 5] as never, from('ben', 2))
    expect(book.all.map(({ id }) => id)).toEqual(['ben'])
    world.link.say(from('ann', 3))
    await settle()
    expect(book.all.map(({ id, unread }) => [id, unread])).toEqual([
      ['ann', 0],
      ['ben', 1],
    ])
  })

  it('shows what is chosen while offline at once, also after a restart, and as before where the server will not have it', async () => {
    const { world, client, shelf, book } = await opened(from('ann', 1), from('ben', 2))
    world.link.say(tagged('ben\tpinned=5'))
    await settle()
    world.link.lose()
    const refused = book.mute('ann', 8e15).catch(({ code }) => code)
    void book.pin('ben', false).catch(() => undefined)
    void book.pin('ann', true).catch(() => undefined)
    await settle()
    const shown = (of: typeof book) => ['ann', 'ben'].map((id) => [isPinned(of.chat(id)), isMuted(of.chat(id))])
    expect(shown(book)).toEqual([
      [true, true],
      [false, false],
    ])
    book.close()
    await client.close()
    expect(await refused).toBe('closed')
    const again = new World()
    const next = await openBook(again.connect(), 'bob', shelf)
    expect(shown(next)).toEqual(shown(book))
    await settle()
    await again.welcomed()
    again.link.say(tagged('ben\tpinned=5'))
    await settle()
    expect(shown(next)).toEqual(shown(book))
    const answers = again.link.of('set').map(([, ref, , chat, tag]) => {
      const isDone = !String(tag).startsWith('muted')
      expect(chat).toBe(String(tag) === 'pinned=' ? 'ben' : 'ann')
      return isDone ? ['done', 'set', ref, 0] : ['error', 'list_full', 'set', ref, 0, '']
    })
    again.link.say(tagged('ann\tpinned=9'), ...(answers as never[]))
    await settle()
    expect(shown(next)).toEqual([
      [true, false],
      [false, false],
    ])
    expect((await shelf.read((hand) => hand.chats())).map(({ chosen }) => chosen)).toEqual([{}, {}])
  })

  it('mutes, pins and archives by tags, and takes a chat that it deletes from its place', async () => {
    const { world, book } = await opened(from('ann', 1))
    world.link.say(tagged('ann\tpinned=5\tmuted=Infinity'))
    await settle()
    const done = [book.mute('ann', 8e12), book.pin('ann', true), book.archive('ann', true), book.delete('ann')]
    await settle()
    const said = world.link.of('set').map(([, , , , tag]) => String(tag).replace(/pinned=\d+/, 'pinned=now'))
    expect(said).toEqual([
      'muted=8000000000000',
      ...['pinned=now', 'archived='],
      ...['archived=1', 'pinned='],
      ...['pinned=', 'archived='],
    ])
    for (const [, ref] of world.link.of('set')) world.link.say(['done', 'set', ref, 0])
    world.link.say(['done', 'delete', 'ann', 1, 1] as never)
    await Promise.all(done)
    expect(book.all).toEqual([])
  })
})
