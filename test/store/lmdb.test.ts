import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statfsSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { open } from 'lmdb'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Entry } from '../../src/protocol/entry.ts'
import type { WriteZeros } from '../../src/store/lmdb/room.ts'
import { LmdbStore, lmdbStore } from '../../src/store/lmdb.ts'
import { keyContract } from '../contracts/keys.ts'
import { lastingContract } from '../contracts/lasting.ts'
import { peopleContract } from '../contracts/people.ts'
import { message, storeContract, user } from '../contracts/store.ts'
import { noSpace } from './disk.ts'

const folder = () => mkdtempSync(join(tmpdir(), 'bluetick-lmdb-'))
let path = folder()
beforeEach(() => {
  path = folder()
})
for (const contract of [storeContract, lastingContract, keyContract, peopleContract])
  contract('lmdb', () => lmdbStore(path), { reopen: () => lmdbStore(path) })

const bob = user('bob')
const dayMs = 86_400_000

describe('the embedded store', () => {
  it('belongs to one process, and names the one that has it', async () => {
    const first = lmdbStore(path)
    await first.open()
    await expect(lmdbStore(path).open()).rejects.toMatchObject({
      code: 'locked',
      message: expect.stringContaining(`process ${process.pid}`),
    })
    await first.close()
    const second = lmdbStore(path)
    await second.open()
    await second.close()
  })

  it('opens a folder with a lock that nobody has, whatever it says', async () => {
    writeFileSync(join(path, 'LOCK'), `${process.pid} 12345`)
    const store = lmdbStore(path)
    await store.open()
    await store.close()
  })

  it('says that a folder cannot be written', async () => {
    writeFileSync(join(path, 'file'), '')
    await expect(lmdbStore(join(path, 'file')).open()).rejects.toMatchObject({ code: 'not_writable' })
  })

  it('refuses data of another version, and leaves them as they are', async () => {
    const store = lmdbStore(path)
    await store.open()
    await store.close()
    const root = open({ path: join(path, 'bluetick.mdb'), maxDbs: 16 })
    await root.openDB({ name: 'settings' }).put('version', 99)
    await root.close()
    for (let n = 0; n < 2; n++)
      await expect(lmdbStore(path).open()).rejects.toMatchObject({
        code: 'version',
        message: expect.stringContaining('99'),
      })
  })

  /** Appends in a process of its own until that fails, then `after`; answers what it printed. */
  async function fill(after: string, shell: string): Promise<{ printed: string; code: unknown }> {
    const script = `
      import { rmSync } from 'node:fs'
      import { lmdbStore } from ${JSON.stringify(new URL('../../dist/src/store/lmdb.js', import.meta.url).href)}
      const [path] = process.argv.slice(1)
      const store = lmdbStore(path)
      await store.open()
      const id = (seq) => '00000000-0000-7000-8000-' + String(seq).padStart(12, '0')
      const append = (seq) => store.append('bob', 7, 1, [{ is: 'message', seq, time: 2e8, id: id(seq), from: 'alice', body: 'x'.repeat(8000) }])
      const kept = async () => (await store.load('bob')).tail
      for (let seq = 1, full = false; !full && seq < 5000; seq++) {
        try { await append(seq) } catch ({ code }) { full = true; console.log(code, 'kept', await kept() === seq - 1) }
      }
      ${after}
      await store.close()
      console.log('closed')`
    const child = spawn('bash', ['-c', shell, process.execPath, '--input-type=module', '-e', script])
    let printed = ''
    child.stdout.on('data', (text) => {
      printed += text
    })
    const code = await new Promise((resolve) => child.once('close', resolve))
    return { printed: printed.trim(), code }
  }

  it('says that files may not grow, keeps what it has, and goes on at the next start', async () => {
    expect((await fill('', `ulimit -f 4096; exec "$0" "$@" ${path}`)).printed).toBe('full kept true\nclosed')
    const store = lmdbStore(path)
    await store.open()
    const tail = (await store.load(bob))?.tail ?? 0
    expect(tail).toBeGreaterThan(10)
    await store.append(bob, 7, 1, [message(tail + 1)])
    expect(await store.read(bob, 1, 10_000, Number.MAX_SAFE_INTEGER, Date.now())).toHaveLength(tail + 1)
    await store.close()
  })

  it('says that the disk is full, and goes on as soon as there is room there or in the file', async ({ skip }) => {
    const small = path
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', small]).status !== 0)
      skip('a small disk can be mounted by root only')
    onTestFinished(() => void spawnSync('umount', [small]))
    writeFileSync(join(small, 'filler'), Buffer.alloc(14_000_000))
    const after = `
      const next = async () => { const seq = await kept() + 1; await append(seq); console.log(seq === await kept()) }
      while ((await store.expire(Date.now())).entries > 0);
      await next()
      rmSync(path + '/filler')
      await next()`
    const printed = 'full kept true\ntrue\ntrue\nclosed'
    expect(await fill(after, `exec "$0" "$@" ${small}`)).toEqual({ printed, code: 0 })
  })

  it('starts on a disk that is full, keeps what it has, and makes room in the file', async ({ skip }) => {
    const small = path
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', small]).status !== 0)
      skip('a small disk can be mounted by root only')
    onTestFinished(() => void spawnSync('umount', [small]))
    const [old, now] = [Date.now() - 40 * dayMs, Date.now()]
    const first = lmdbStore(small)
    await first.open()
    for (let seq = 1; seq <= 400; seq++) await first.append(bob, 7, 1, [message(seq, old, 'x'.repeat(8_000))])
    const kept = Array.from({ length: 400 }, (_, n) => message(401 + n, now, `${n}`.repeat(2_000)))
    await first.append(bob, 7, 1, kept)
    await first.expire(old)
    await first.close()
    const { bavail, bsize } = statfsSync(small)
    writeFileSync(join(small, 'filler'), Buffer.alloc(bavail * bsize))
    const second = lmdbStore(small)
    await second.open()
    expect(await second.health()).toMatchObject({ ok: false })
    for (let n = 0; n < 20; n++) await second.saveCursors(bob, 7, [], n).catch(({ code }) => expect(code).toBe('full'))
    while ((await second.expire(now)).entries > 0);
    expect(await second.read(bob, 401, 1_000, Number.MAX_SAFE_INTEGER, now)).toEqual(kept)
    await second.close()
    const third = lmdbStore(small)
    await third.open()
    expect(await third.read(bob, 401, 1_000, Number.MAX_SAFE_INTEGER, now)).toEqual(kept)
    await third.close()
  })

  it('lists users page by page without putting those in order each time whose entries have just come', async () => {
    const store = lmdbStore(path)
    await store.open()
    const names = Array.from({ length: 3_000 }, (_, n) => user(`user ${String(n).padStart(4, '0')}`))
    await Promise.all(names.map((name) => store.append(name, 7, 1, [message(1)])))
    const ordered = vi.spyOn(Buffer, 'from')
    const found: string[] = []
    for (let page = await store.owners(null, 100); page.length > 0; page = await store.owners(page.at(-1) ?? null, 100))
      found.push(...page)
    expect(ordered.mock.calls.length).toBeLessThan(31 * 500)
    ordered.mockRestore()
    expect(found).toEqual(names)
    await store.close()
  })

  it('keeps no row of what is no longer read up to anywhere', async () => {
    const store = lmdbStore(path)
    await store.open()
    const [ann, ben] = [user('ann'), user('ben')]
    await store.saveCursors(bob, 7, [], 0, new Map([[ann, 3]]).set(ben, 4))
    await store.saveCursors(bob, 7, [], 0, new Map([[ann, 0]]))
    expect(await store.reads(bob)).toEqual(new Map([[ben, 4]]))
    await store.close()
  })

  it('tells which chats have a history without a transaction, unless what is permanent has just come', async () => {
    let takes = true
    const room: WriteZeros = async (file, length, at) => {
      if (!takes) throw noSpace()
      return writeSync(file, Buffer.alloc(length), 0, length, at)
    }
    const options = { retentionMs: dayMs, dedupeMs: dayMs, threaded: false, room }
    const store = new LmdbStore(path, options)
    await store.open()
    await store.append(bob, 7, 1, [message(1)])
    takes = false
    expect(await store.histories(bob)).toEqual([])
    expect(await store.history(bob, user('alice'), null, 10, 1e6)).toEqual([])
    takes = true
    await store.append(bob, 7, 1, [{ ...message(2), lifetime: 'permanent' } as Entry])
    expect(await store.histories(bob)).toEqual(['alice'])
    expect(await store.history(bob, user('alice'), null, 10, 1e6)).toHaveLength(1)
    await store.close()
  })

  it('writes no row more for entries of chats without a lifetime of their own', async () => {
    const store = lmdbStore(path)
    await store.open()
    await store.append(bob, 7, 1, [message(1), { ...message(2), lifetime: 'default' } as Entry])
    await store.startTimers(bob, { is: 'delivered', upTo: 2 }, Date.now())
    while ((await store.expire(Date.now())).entries > 0);
    await store.close()
    const root = open({ path: join(path, 'bluetick.mdb'), maxDbs: 16, readOnly: true })
    for (const name of ['timers', 'due', 'history']) expect([...root.openDB({ name }).getKeys({})], name).toEqual([])
    await root.close()
  })

  it('gives the space of expired entries to new ones', async () => {
    const store = lmdbStore(path)
    await store.open()
    const now = Date.now()
    let seq = 0
    for (let day = 0; day < 20; day++) {
      const time = now + day * dayMs
      const entries = Array.from({ length: 100 }, () => message(++seq, time, 'x'.repeat(8_000)))
      await store.append(bob, 7, 1, entries)
      while ((await store.expire(time + 32 * dayMs)).entries > 0);
    }
    expect(await store.load(bob)).toMatchObject({ tail: 2_000 })
    await store.close()
    expect(statSync(join(path, 'bluetick.mdb')).size).toBeLessThan(4 * 1024 * 1024)
  })

  it('has everything that it said was durable after kill -9', async () => {
    const script = `
      import { lmdbStore } from ${JSON.stringify(new URL('../../dist/src/store/lmdb.js', import.meta.url).href)}
      const store = lmdbStore(${JSON.stringify(path)})
      await store.open()
      for (let seq = 1; ; seq++) {
        const id = '00000000-0000-7000-8000-' + String(seq).padStart(12, '0')
        await store.append('bob', 7, 1, [{ is: 'message', seq, time: 1000, id, from: 'alice', body: 'm' + seq }])
        process.stdout.write(seq + '\\n')
      }`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let said = ''
    child.stdout.on('data', (text) => {
      said += text
      if (said.split('\n').length > 50) child.kill('SIGKILL')
    })
    await new Promise((resolve) => child.once('close', resolve))
    const durable = Number(said.trim().split('\n').at(-1))
    expect(readFileSync(join(path, 'LOCK'), 'utf8')).toContain(`process ${child.pid} `)
    const store = lmdbStore(path)
    await store.open()
    const record = await store.load(bob)
    expect(record?.tail).toBeGreaterThanOrEqual(durable)
    const entries = await store.read(bob, 1, 100_000, Number.MAX_SAFE_INTEGER, Date.now())
    expect(entries.map((entry) => entry.seq)).toEqual(Array.from({ length: record?.tail ?? 0 }, (_, n) => n + 1))
    await store.close()
    rmSync(path, { recursive: true })
  })
})
