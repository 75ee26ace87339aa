/** Bytes that a disk has altered: nothing of them is delivered or believed, who they belong to is told, and everybody else is served. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { open } from 'lmdb'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { connect } from '../../src/client/index.ts'
import { createNode } from '../../src/index.ts'
import type { Entry } from '../../src/protocol/entry.ts'
import type { UserId } from '../../src/protocol/ids.ts'
import type { DeviceCursor } from '../../src/store/contract.ts'
import type { StoreError } from '../../src/store/error.ts'
import { type LmdbStore, lmdbStore } from '../../src/store/lmdb.ts'
import { copy, message, user } from '../contracts/store.ts'

const all = Number.MAX_SAFE_INTEGER
const begun = Date.now()
const users = Array.from({ length: 12 }, (_, n) => user(`user${n}`))
let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bluetick-rot-'))
  return () => rmSync(folder, { recursive: true })
})

const cursors = (n: number): DeviceCursor[] => [{ device: 'phone' as DeviceCursor['device'], seq: n, seenAt: begun }]
const entriesOf = (n: number): Entry[] =>
  Array.from({ length: 40 }, (_, at) => {
    const body = `${n}.${at} `.repeat(1 + ((at * 37) % 200))
    const more = { time: begun, body, ...(at % 9 === 0 && { lifetime: 'permanent' }) }
    return { ...(at % 3 === 0 ? copy(at + 1) : message(at + 1)), ...more } as Entry
  })

const reads = new Map([['ann' as UserId, 12]])

async function fill(path: string): Promise<void> {
  const store = lmdbStore(path)
  await store.open()
  for (const [n, user] of users.entries()) {
    await store.append(user, 7 + n, 1, entriesOf(n).slice(0, 30))
    await store.saveCursors(user, 7 + n, cursors(n), 3, reads)
  }
  await store.expire(begun)
  for (const [n, user] of users.entries()) await store.append(user, 7 + n, 1, entriesOf(n).slice(30))
  await store.close()
}

/** Why something was refused; undefined: it was not. */
const refusal = (error: StoreError): undefined => {
  if (error.code !== 'corrupt') throw error
  return undefined
}

/** What a store says of a user, in parts: each is right, or refused. */
async function look(store: LmdbStore, n: number): Promise<string[]> {
  const id = users[n] as UserId
  const record = await store.load(id).catch(refusal)
  if (record) {
    expect(record).toMatchObject({ epoch: 7 + n, tail: 40, head: 1 })
    // Those whose key was altered are somebody else's: they lack, and their devices are told that they may have missed something.
    const { settled, cursors: devices } = record
    expect([
      { settled: 3, devices: cursors(n) },
      { settled: 0, devices: [] },
    ]).toContainEqual({ settled, devices })
  }
  const entries = await store.read(id, 1, all, all, begun).catch(refusal)
  if (entries) expect(entries).toEqual(entriesOf(n))
  const read = await store.reads(id).catch(refusal)
  // One whose key was altered is of somebody else: it lacks, and counts as unread.
  if (read) expect([reads, new Map()]).toContainEqual(read)
  return [...(record ? [] : ['load']), ...(entries ? [] : ['read']), ...(read ? [] : ['reads'])]
}

/** A row of numbers that looks like chance, the same each time. */
function* chance(seed: number): Generator<number> {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    yield state / 2 ** 32
  }
}

describe('altered bytes', () => {
  it('in any place are never delivered, and what is not refused is right', async () => {
    await fill(join(folder, 'whole'))
    const files = ['bluetick.mdb', 'bluetick.mdb', 'journal/1']
    const whole = files.map((name) => readFileSync(join(folder, 'whole', name)))
    const pages = (bytes: Buffer) => bytes.subarray(0, 4096 + bytes.findLastIndex((byte) => byte !== 0))
    const said = { 'not opened': 0, refused: 0, right: 0 }
    const path = join(folder, 'altered')
    for (let seed = 1; seed <= 200; seed++) {
      cpSync(join(folder, 'whole'), path, { recursive: true })
      const which = seed % files.length
      const bytes = Buffer.from(whole[which] as Buffer)
      const { length } = pages(bytes)
      const random = chance(seed)
      const next = (below: number) => Math.floor((random.next().value as number) * below)
      for (let n = 0; n < 20; n++) bytes.writeUInt8(next(256), next(length))
      writeFileSync(join(path, files[which] as string), bytes)
      const store = lmdbStore(path)
      const opened = await store.open().then(() => true, refusal)
      for (const n of opened ? users.keys() : []) (await look(store, n)).length > 0 ? said.refused++ : said.right++
      if (!opened) said['not opened'] += 1
      if (opened) await store.close()
      rmSync(path, { recursive: true })
    }
    expect(said.right).toBeGreaterThan(100)
    expect(said.refused).toBeGreaterThan(100)
  })

  /** Alters the value of one row. */
  async function alter(table: string, key: string | (string | number)[]): Promise<void> {
    const root = open({ path: join(folder, 'bluetick.mdb'), maxDbs: 32 })
    const rows = root.openDB<Buffer, string | (string | number)[]>({ name: table, encoding: 'binary' })
    const value = Buffer.from(rows.get(key) as Buffer)
    value.writeUInt8(value.readUInt8(value.length - 5) ^ 1, value.length - 5)
    await rows.put(key, value)
    await root.close()
  }

  it.each([
    ['entries', ['user3', 1], ['read']],
    ['cursors', 'user3', ['load']],
    ['reads', ['user3', 'ann'], ['reads']],
    ['logs', 'user3', ['load', 'read']],
  ])(
    'in a row of %s concern its user alone, also when everything is moved and expires',
    async (table, key, refused) => {
      await fill(folder)
      await alter(table, key)
      const told: string[] = []
      const store = lmdbStore(folder)
      await store.open({ broke: () => {}, damaged: ({ message }) => told.push(message) })
      for (let round = 0; round < 2; round++) {
        for (const n of users.keys()) expect(await look(store, n)).toEqual(n === 3 ? refused : [])
        await store.expire(begun)
      }
      expect(told).toEqual([expect.stringContaining(`${table} ${JSON.stringify(key)} is not what was written`)])
      for (const [n, id] of users.entries()) {
        const appended = store.append(id, 7 + n, 1, [message(41)])
        if (table === 'logs' && n === 3) await expect(appended).rejects.toMatchObject({ code: 'corrupt' })
        else await appended
      }
      await store.expire(begun)
      await store.close()
      const again = lmdbStore(folder)
      await again.open()
      expect((await again.load(users[4] as UserId))?.tail).toBe(41)
      while ((await again.expire(begun + 40 * 86_400_000)).entries > 0);
      expect((await again.load(users[4] as UserId))?.head).toBe(42)
      await again.close()
    },
  )

  it('in the journal keep the store closed: whose messages they were is not known', async () => {
    await fill(folder)
    const file = join(folder, 'journal', '1')
    const bytes = readFileSync(file)
    // In the first of many records.
    bytes.writeUInt8(bytes.readUInt8(2 * 4096 - 1) ^ 1, 4096 + 100)
    writeFileSync(file, bytes)
    await expect(lmdbStore(folder).open()).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining('journal'),
    })
  })
})

describe('a node with a row that was altered', () => {
  const close: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const end of close.splice(0).reverse()) await end()
  })

  it('tells the device that cannot get its messages, and serves everybody else', async () => {
    const store = lmdbStore(folder)
    await store.open()
    for (const to of ['bob', 'carol']) await store.append(user(to), 7, 1, [message(1), message(2)])
    await store.expire(begun)
    await store.close()
    const root = open({ path: join(folder, 'bluetick.mdb'), maxDbs: 32 })
    const rows = root.openDB<Buffer, [string, number]>({ name: 'entries', encoding: 'binary' })
    const row = Buffer.from(rows.get(['bob', 1]) as Buffer)
    row.writeUInt8(row.readUInt8(20) ^ 4, 20)
    await rows.put(['bob', 1], row)
    await root.close()
    const faults: unknown[] = []
    const node = createNode({ store: lmdbStore(folder), onFault: ({ error }) => faults.push(error) })
    close.push(() => node.close())
    const { url } = await node.listen({ port: 0 })
    const [alice, bob, carol] = ['alice', 'bob', 'carol'].map((token) => connect({ url, token }))
    close.push(...[alice, bob, carol].map((client) => () => client?.close() as Promise<void>))
    const got: unknown[] = []
    bob?.on('message', (message) => got.push(message))
    const waits = new Promise((resolve) =>
      bob?.on('connection', (status) => status.is === 'waiting' && resolve(status)),
    )
    expect((await carol?.messages()[Symbol.asyncIterator]().next())?.value.body).toBe('m1')
    await alice?.send('bob', 'hello')
    expect(await waits).toMatchObject({ reason: 'unavailable' })
    await expect.poll(() => faults).toEqual([expect.objectContaining({ code: 'corrupt' })])
    expect(String(faults[0])).toContain('entries ["bob",1]')
    expect(got).toEqual([])
  })
})
