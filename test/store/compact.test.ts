/** `bluetick compact`: what was deleted is in no file of the folder, and what was not is there, also when it is killed. */
import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, statfsSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { type Medium, untilReleased } from '../../src/media/contract.ts'
import { fileMedia } from '../../src/media/files.ts'
import type { Entry } from '../../src/protocol/entry.ts'
import { lmdbStore } from '../../src/store/lmdb.ts'
import { message, user } from '../contracts/store.ts'

const main = 'dist/src/cli/main.js'
const [alice, bob, carol] = [user('alice'), user('bob'), user('carol')]
const time = Date.now()
const all = Number.MAX_SAFE_INTEGER
let path = ''
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'bluetick-compact-'))
})

async function compact(): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [main, 'compact', '--data', path])
  return stdout.trim()
}

/** The files below the folder in which the text stands, also in pieces of eight letters of it. */
function filesWith(text: string): string[] {
  const pieces = Array.from({ length: text.length - 7 }, (_, at) => text.slice(at, at + 8))
  const files = readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((name) =>
    statSync(join(path, name)).isFile(),
  )
  return files.filter((name) => {
    const bytes = readFileSync(join(path, name))
    return pieces.some((piece) => bytes.includes(piece))
  })
}

async function withStore<Result>(work: (store: ReturnType<typeof lmdbStore>) => Promise<Result>): Promise<Result> {
  const store = lmdbStore(path)
  await store.open()
  try {
    return await work(store)
  } finally {
    await store.close()
  }
}

const secret = 'meet me at the old mill'
const plain = 'the weather is fine today'
const sizes = [1, 2, 7, 40, 150, 160, 170, 400, 3_000]
/** Messages of many sizes; some share a row, some have pages of their own. */
const entries = (from: string, text: string, first: number, more: object = {}): Entry[] =>
  sizes.map((size, n) => ({ ...message(first + n, time, text.repeat(size)), from, ...more }) as Entry)

describe('bluetick compact', () => {
  it('leaves no letter of a chat that both have deleted, and everything else', async () => {
    const permanent = { lifetime: 'permanent' }
    const copy = { is: 'copy', to: bob, at: { epoch: 7, seq: 1 }, ...permanent }
    await withStore(async (store) => {
      await store.append(bob, 7, 1, entries('alice', secret, 1, permanent))
      await store.append(alice, 8, 1, entries('alice', secret, 1, copy))
      for (const entry of entries('alice', secret, 10)) await store.append(bob, 7, 1, [entry])
      await store.append(bob, 7, 1, entries('carol', plain, 19, permanent))
    })
    expect(filesWith(secret)).toEqual(['journal/1'])
    await withStore((store) => store.erase(bob, alice, 1, all))
    expect(filesWith(secret)).toEqual(['bluetick.mdb', 'journal/1'])
    await compact()
    expect(filesWith(secret)).toEqual(['bluetick.mdb'])
    await withStore(async (store) => {
      expect(await store.history(alice, bob, null, 100, all)).toHaveLength(sizes.length)
      await store.erase(alice, bob, 1, all)
    })
    expect(filesWith(secret)).toEqual(['bluetick.mdb'])
    expect(await compact()).toMatch(/^Compacted .*: messages [\d.]+ MB -> [\d.]+ MB\.$/)
    expect(filesWith(secret)).toEqual([])
    expect(filesWith(plain)).toEqual(['bluetick.mdb'])
    await withStore(async (store) => {
      const read = await store.read(bob, 1, 100, all, time)
      expect(read.map((entry) => entry.is)).toEqual([...Array(18).fill('gone'), ...Array(9).fill('message')])
      expect(await store.history(bob, carol, null, 100, all)).toEqual(read.slice(18).reverse())
      expect(await store.load(bob)).toMatchObject({ epoch: 7, tail: 27, head: 1 })
      await store.append(bob, 7, 1, [message(28)])
    })
  })

  it('leaves no letter of what has vanished by a timer, was temporary, or is older than the retention time', async () => {
    const old = time - 40 * 86_400_000
    await withStore(async (store) => {
      await store.append(bob, 7, 1, [{ ...message(1, old), body: secret } as Entry])
      await store.append(bob, 7, 1, entries('alice', secret, 2, { lifetime: 'temporary', time: old + 1 }))
      await store.append(bob, 7, 1, entries('alice', secret, 11, { lifetime: 'delivered 1000' }))
      await store.append(bob, 7, 1, [
        ...entries('alice', secret, 20, { lifetime: 'temporary' }),
        message(29, time, plain),
      ])
      await store.startTimers(bob, { is: 'temporary', upTo: 29 }, time)
      await store.startTimers(bob, { is: 'delivered', upTo: 29 }, time)
      while ((await store.expire(time + 1_000)).entries > 0);
    })
    await compact()
    expect(filesWith(secret)).toEqual([])
    expect(filesWith(plain)).toEqual(['bluetick.mdb'])
    expect(await withStore((store) => store.read(bob, 11, 100, all, time))).toHaveLength(19)
  })

  it('leaves no letter of who held media that was released', async () => {
    const media = fileMedia(join(path, 'media'))
    await withStore((store) => store.append(bob, 7, 1, [message(1)]))
    await media.open()
    const upload = await media.begin(bob, null)
    await upload.write(new TextEncoder().encode(plain))
    const kept = await upload.finish('chat kept', untilReleased)
    await media.refer((kept as Medium).id, [`chat ${secret}`], untilReleased)
    await media.release(`chat ${secret}`)
    await media.close()
    expect(await compact()).toMatch(/, records of media [\d.]+ MB -> [\d.]+ MB\.$/)
    expect(filesWith(secret)).toEqual([])
    await media.open()
    expect(await media.find((kept as Medium).id)).toEqual(kept)
    await media.close()
  })

  it('is refused while a node has the folder, and where there is none', async () => {
    await withStore(async () => {
      await expect(compact()).rejects.toMatchObject({
        stderr: expect.stringContaining(`in use by process ${process.pid}`),
      })
    })
    path = join(path, 'other')
    await expect(compact()).rejects.toMatchObject({ stderr: expect.stringContaining('is not a Bluetick data folder') })
    expect(existsSync(path)).toBe(false)
  })

  it('gives back the space of what has expired, and works again on what it wrote', async () => {
    await withStore(async (store) => {
      for (let from = 1; from < 2_000; from += 100)
        await store.append(
          bob,
          7,
          1,
          Array.from({ length: 100 }, (_, n) => message(from + n, time - 40 * 86_400_000, plain.repeat(40))),
        )
      await store.append(bob, 7, 1, [message(2_001)])
      while ((await store.expire(time)).entries > 0);
    })
    const before = statSync(join(path, 'bluetick.mdb')).size
    await compact()
    const after = statSync(join(path, 'bluetick.mdb')).size
    expect(after).toBeLessThan(before / 10)
    await compact()
    expect(statSync(join(path, 'bluetick.mdb')).size).toBe(after)
    expect(await withStore((store) => store.load(bob))).toMatchObject({ head: 2_001, tail: 2_001 })
  })

  it('has changed nothing or all when it is killed, and goes on after what was left', async () => {
    await withStore(async (store) => {
      for (let from = 1; from < 10_000; from += 100)
        await store.append(
          bob,
          7,
          1,
          Array.from({ length: 100 }, (_, n) => message(from + n, time, plain.repeat(40))),
        )
      await store.append(bob, 7, 1, [message(10_001, time, secret)])
      await store.erase(bob, alice, 10_001, 10_001)
    })
    const whole = async () =>
      withStore(async (store) => {
        const read = await store.read(bob, 1, 20_000, all, time)
        return read.length === 10_001 && read.every(({ seq }, n) => seq === n + 1)
      })
    let killed = 0
    for (let round = 0; round < 12; round++) {
      const child = spawn(process.execPath, [main, 'compact', '--data', path])
      const exited = once(child, 'exit')
      await expect.poll(() => child.exitCode !== null || existsSync(join(path, 'LOCK')), { interval: 2 }).toBe(true)
      await new Promise((resolve) => setTimeout(resolve, round * 15))
      child.kill('SIGKILL')
      if ((await exited)[1] === 'SIGKILL') killed += 1
      expect(await whole()).toBe(true)
      expect(existsSync(join(path, 'bluetick.mdb.copy'))).toBe(false)
    }
    expect(killed).toBeGreaterThan(3)
    writeFileSync(join(path, 'bluetick.mdb.copy'), secret)
    await compact()
    expect(filesWith(secret)).toEqual([])
    expect(readdirSync(path).sort()).toEqual(['bluetick.mdb', 'bluetick.mdb-lock'])
    expect(await whole()).toBe(true)
  })

  it('keeps everything, and says so, where the disk has no room for the copy', async ({ skip }) => {
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=32m', 'tmpfs', path]).status !== 0)
      skip('a small disk can be mounted by root only')
    onTestFinished(() => void spawnSync('umount', [path]))
    await withStore(async (store) => {
      for (let seq = 1; seq <= 30; seq++) await store.append(bob, 7, 1, [message(seq, time, plain.repeat(4_000))])
      await store.settle()
    })
    const { bavail, bsize } = statfsSync(path)
    writeFileSync(join(path, 'filler'), Buffer.alloc(bavail * bsize - 2_000_000))
    await expect(compact()).rejects.toMatchObject({ stderr: expect.stringContaining('full') })
    expect(readdirSync(path).sort()).toEqual(['bluetick.mdb', 'bluetick.mdb-lock', 'filler'])
    expect(await withStore((store) => store.load(bob))).toMatchObject({ tail: 30 })
  })
})
