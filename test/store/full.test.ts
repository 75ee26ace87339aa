/** A disk that becomes full: appends are refused, what makes room goes on, and so does everything as soon as there is some. */
import { mkdtempSync, rmSync, statSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, it } from 'vitest'
import type { Entry } from '../../src/protocol/entry.ts'
import type { Millis, UserId } from '../../src/protocol/ids.ts'
import type { WriteZeros } from '../../src/store/lmdb/room.ts'
import { fileOf } from '../../src/store/lmdb/tables.ts'
import { LmdbStore } from '../../src/store/lmdb.ts'
import { message, user } from '../contracts/store.ts'
import { Disk } from './disk.ts'

const bob = user('bob')
const dayMs = 86_400_000
let path = ''
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'bluetick-full-'))
  return () => rmSync(path, { recursive: true })
})

/** Does something in the middle of a transaction, in place of what it writes. */
class Meanwhile extends Map<UserId, Millis> {
  readonly #task: () => void
  constructor(task: () => void) {
    super()
    this.#task = task
  }
  override [Symbol.iterator](): MapIterator<[UserId, Millis]> {
    this.#task()
    return super[Symbol.iterator]()
  }
}

async function start() {
  const disk = new Disk()
  const { room, open } = disk
  const options = { retentionMs: 30 * dayMs, dedupeMs: dayMs, threaded: false, room, open }
  const store = new LmdbStore(path, options)
  await store.open()
  let tail = 0
  const append = async (behind = tail) => {
    const seq = behind + 1
    await store.append(bob, 7, 1, [message(seq, 1_000, 'x'.repeat(8_000))])
    tail = seq
  }
  /** Until that is refused; answers how many were not. */
  const appendAll = async () => {
    const before = tail
    for (let refused = false; !refused; ) refused = await append().then(() => false, isFull)
    return tail - before
  }
  /** All of it is too old. Nothing of that may fail, and LMDB must not have found the disk full itself. */
  const expireAll = async () => {
    while ((await store.expire(Date.now())).entries > 0);
    expect(statSync(fileOf(path)).size).toBe(sizeAtFull)
  }
  let sizeAtFull = 0
  const fill = () => {
    disk.fill()
    sizeAtFull = statSync(fileOf(path)).size
  }
  const load = async () => (await store.load(bob))?.tail
  return { store, disk, append, appendAll, expireAll, fill, load, tail: () => tail }
}

function isFull(error: unknown): true {
  expect(error).toMatchObject({ code: 'full' })
  return true
}

it('what is appended while a transaction runs finds room in the tables, or is refused', async () => {
  const { store, append, appendAll, expireAll, fill, load } = await start()
  for (let n = 0; n < 3; n++) await append()
  const taken: number[] = []
  let answered: Promise<unknown> = Promise.resolve()
  await store.saveLastSeen(
    new Meanwhile(() => {
      const each = Array.from({ length: 480 }, (_, n) => {
        const one = message(4 + n, 1_000, 'y'.repeat(8_000))
        return store.append(bob, 7, 1, [one]).then(() => taken.push(one.seq), isFull)
      })
      answered = Promise.all(each)
      fill()
    }),
  )
  await answered
  // Those in front of the first that was refused are the only ones.
  expect(taken).toEqual(taken.map((_, n) => 4 + n))
  expect(await load()).toBe(3 + taken.length)
  await expireAll()
  await append(3 + taken.length)
  expect(await appendAll()).toBeGreaterThan(0)
  await expireAll()
  await store.close()
})

it('cursors and the like leave room for what makes room', async () => {
  const { store, append, appendAll, expireAll, fill, load, tail, disk } = await start()
  for (let n = 0; n < 300; n++) await append()
  fill()
  expect(await appendAll()).toBeGreaterThan(0)
  const devices = Array.from({ length: 5 }, (_, n) => ({ device: `device ${n}` as never, seq: n, seenAt: n }))
  let saved = 0
  for (let full = false; !full; saved += 500) {
    const some = Array.from({ length: 500 }, (_, n) => user(`someone with a long name ${saved + n}`))
    full = await Promise.all(some.map((name) => store.saveCursors(name, 7, devices, 0))).then(() => false, isFull)
  }
  await expireAll()
  await append()
  expect(await load()).toBe(tail())
  disk.full = { journal: false, tables: false }
  for (let n = 0; n < 1_000; n++) await append()
  await store.saveCursors(bob, 7, devices, 1)
  await store.close()
})

it('a chat is deleted, and a user is wiped, where nothing else is written any more', async () => {
  const { store, append, appendAll, fill, load } = await start()
  for (let n = 0; n < 100; n++) await append()
  fill()
  await appendAll()
  const size = statSync(fileOf(path)).size
  await store.erase(bob, user('alice'), 1, 50)
  await store.saveErasure(bob, true)
  await store.wipe(bob)
  await store.saveErasure(bob, false)
  expect(statSync(fileOf(path)).size).toBe(size)
  await append()
  expect(await load()).toBeGreaterThan(100)
  await store.close()
})

it('what many want at once takes no more than there is', async () => {
  const { store, fill } = await start()
  const names = Array.from({ length: 100 }, (_, n) => user(`someone ${n}`))
  // Of each three, which have a page, one is to go: that page is written anew.
  const goes = { from: user('alice'), lifetime: 'temporary' }
  const entries = Array.from({ length: 24 }, (_, n) => ({
    ...message(n + 1, 1_000, 'x'.repeat(1_250)),
    ...(n % 3 === 0 ? goes : { from: user('carol') }),
  }))
  for (const name of names) {
    await store.append(name, 7, 1, entries as Entry[])
    await store.expire(0)
  }
  fill()
  const { size } = statSync(fileOf(path))
  const devices = Array.from({ length: 5 }, (_, n) => ({ device: `${n}`.repeat(200) as never, seq: n, seenAt: n }))
  for (let full = false, saved = 0; !full; saved += 1_000) {
    const some = Array.from({ length: 1_000 }, (_, n) => store.saveCursors(user(`${saved + n}`), 7, devices, 0))
    full = (await Promise.all(some.map((one) => one.then(() => false, isFull)))).includes(true)
  }
  expect(statSync(fileOf(path)).size).toBe(size)
  const vanish = (name: UserId) => store.startTimers(name, { is: 'temporary', upTo: 24 }, 1_000)
  await Promise.all(
    names.map(async (name, n) => void (await (n % 2 ? store.erase(name, user('alice'), 1, 24) : vanish(name)))),
  )
  expect(statSync(fileOf(path)).size).toBe(size)
  for (const name of names)
    expect((await store.read(name, 1, 24, 1e6, 0)).map(({ is }) => is)).toEqual(
      entries.map((_, n) => (n % 3 === 0 ? 'gone' : 'message')),
    )
  await store.close()
})

it('a journal whose only file is full is written to again once the tables have all of it', async () => {
  const { store, append, load, disk } = await start()
  await append()
  disk.full = { journal: true, tables: false }
  for (let n = 0; n < 1_200; n++) await append()
  expect(await load()).toBe(1_201)
  await store.close()
})

it('a disk that hangs where a file grows holds up nobody who has room', async () => {
  let go = () => {}
  const hangs = new Promise<void>((resolve) => {
    go = resolve
  })
  let grows = 0
  const room: WriteZeros = async (file, length, at) => {
    grows += 1
    if (grows > 4) await hangs
    return writeSync(file, Buffer.alloc(length), 0, length, at)
  }
  const options = { retentionMs: 30 * dayMs, dedupeMs: dayMs, threaded: false, room }
  const store = new LmdbStore(path, options)
  await store.open()
  let seq = 0
  const append = async () => store.append(bob, 7, 1, [message(++seq, 1_000, 'x'.repeat(100))])
  while (grows < 4) {
    await append()
    await store.saveBan(bob, true)
  }
  let saved = false
  const saving = store.saveBan(bob, false).then(() => {
    saved = true
  })
  for (let n = 0; n < 100; n++) await append()
  expect([saved, (await store.read(bob, 1, 1_000, 1e6, 0)).length]).toEqual([false, seq])
  go()
  await saving
  await store.close()
})
