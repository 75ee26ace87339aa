/** fileStorage: what it keeps through crashes, and what it says when it cannot. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { connect, type Storage, StorageError } from '../../src/client/index.ts'
import { fileStorage } from '../../src/client/node.ts'

let path: string
let opened: Storage[] = []
afterEach(async () => {
  for (const storage of opened) await storage.close()
  opened = []
})
beforeEach(() => {
  path = join(mkdtempSync(join(tmpdir(), 'bluetick-file-')), 'alice')
})

async function open(): Promise<{ storage: Storage; kept: ReadonlyMap<string, unknown> }> {
  const storage = fileStorage(path)
  opened.push(storage)
  return { storage, kept: await storage.load() }
}
const changes = (given: Record<string, unknown>) => new Map(Object.entries(given))

describe('fileStorage', () => {
  it('keeps text, bytes and numbers, and forgets what is removed', async () => {
    const { storage, kept } = await open()
    expect(kept.size).toBe(0)
    await storage.write(
      changes({ a: { body: 'line\nbreak \u2028 and "quotes"' }, b: { body: new Uint8Array([0, 255]) }, c: 1 }),
    )
    await storage.write(changes({ c: undefined, d: 2 }))
    await storage.close()
    expect(Object.fromEntries((await open()).kept)).toEqual({
      a: { body: 'line\nbreak \u2028 and "quotes"' },
      b: { body: new Uint8Array([0, 255]) },
      d: 2,
    })
  })

  it('has nothing of what was removed or replaced with the first write after a day', async () => {
    const { storage } = await open()
    await storage.write(changes({ a: 'a canary', b: 'another canary' }))
    await storage.write(changes({ a: undefined, b: 'kept' }))
    const words = () => readFileSync(path, 'utf8').match(/canary/g)?.length ?? 0
    expect(words()).toBe(2)
    const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 86_400_000)
    await storage.write(changes({ c: 1 }))
    expect(words()).toBe(0)
    await storage.write(changes({ d: 2 }))
    clock.mockRestore()
    await storage.close()
    expect(Object.fromEntries((await open()).kept)).toEqual({ b: 'kept', c: 1, d: 2 })
  })

  it.each([
    ['half a line', '[["b",'],
    ['zeros', '\0\0\0\0'],
    ['zeros and the end of the line', '\0\0\0\0\n'],
    ['a whole line but for its end', '[["b",2]]'],
  ])('takes a last line that a crash tore as never written: %s', async (_what, torn) => {
    const { storage } = await open()
    await storage.write(changes({ a: 1 }))
    await storage.close()
    appendFileSync(path, torn)
    const again = await open()
    expect(Object.fromEntries(again.kept)).toEqual({ a: 1 })
    await again.storage.write(changes({ c: 3 }))
    await again.storage.close()
    expect(Object.fromEntries((await open()).kept)).toEqual({ a: 1, c: 3 })
  })

  it('refuses a file that is damaged before its end, or is something else, and leaves it as it is', async () => {
    const { storage } = await open()
    await storage.write(changes({ a: 1 }))
    await storage.close()
    const good = readFileSync(path, 'utf8')
    for (const bad of [`${good}[["b",\n[["c",3]]\n`, 'Dear diary,\n', `${good.slice(3)}`]) {
      writeFileSync(path, bad)
      const broken = fileStorage(path)
      await expect(broken.load()).rejects.toMatchObject({ name: 'StorageError', code: 'storage_damaged' })
      await broken.close()
      expect(readFileSync(path, 'utf8')).toBe(bad)
    }
  })

  it('makes a folder that is missing, for this user only', async () => {
    path = join(path, 'not', 'there', 'yet')
    const { storage } = await open()
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(statSync(join(path, '..')).mode & 0o777).toBe(0o700)
    await storage.close()
  })

  it('says what is in the way: a folder in place of the file, a file in place of the folder', async () => {
    mkdirSync(path)
    await expect(open()).rejects.toThrow(/the storage .*alice cannot be used: EISDIR/)
    writeFileSync(join(path, 'file'), '')
    path = join(path, 'file', 'alice')
    const error = await open().catch((error) => error)
    expect(error).toBeInstanceOf(StorageError)
    expect(error).toMatchObject({ code: 'storage_failed', cause: expect.any(Error) })
  })

  it.skipIf(process.platform !== 'linux')('says so when the folder cannot be written, not even by root', async () => {
    path = '/sys/alice'
    await expect(open()).rejects.toThrow(/the storage \/sys\/alice cannot be used: E(ACCES|PERM|ROFS)/)
  })

  it('stays small while it runs: it rewrites itself', async () => {
    const { storage } = await open()
    const body = 'x'.repeat(10_000)
    let largest = 0
    for (let n = 0; n < 1_000; n++) {
      await storage.write(changes({ [`out:${n}`]: body, [`out:${n - 5}`]: undefined, cursor: n }))
      largest = Math.max(largest, statSync(path).size)
    }
    expect(largest).toBeLessThan(1_300_000)
    await storage.close()
    const { kept } = await open()
    expect([...kept.keys()].sort()).toEqual(['cursor', 'out:995', 'out:996', 'out:997', 'out:998', 'out:999'])
  })

  it('refuses a second opening in the same process, until it is closed', async () => {
    const { storage } = await open()
    await expect(open()).rejects.toMatchObject({
      code: 'storage_in_use',
      message: expect.stringContaining(`the storage ${path} is in use by process ${process.pid} on `),
    })
    await storage.write(changes({ a: 1 }))
    await storage.close()
    expect(existsSync(`${path}.lock`)).toBe(false)
    expect((await open()).kept.size).toBe(1)
  })

  it('belongs to the first of two clients that are given it, who goes on when the other has ended', async () => {
    const options = { url: 'ws://127.0.0.1:1', token: 'alice', storage: fileStorage(path) }
    const first = connect(options)
    const second = connect(options)
    await expect(second.queue('bob', 'from the second')).rejects.toMatchObject({ code: 'storage_in_use' })
    await second.close()
    await first.queue('bob', 'from the first')
    await first.close()
    const third = connect(options)
    expect((await third.outbox()).map(({ body }) => body)).toEqual(['from the first'])
    await third.close()
  })

  it.each([
    ['the same storage', () => [fileStorage(path)]],
    ['another storage of the same file', () => [fileStorage(path), fileStorage(path)]],
  ])('is waited for by the next client, where close was not awaited: %s', async (_, storages) => {
    const [one, other = one] = storages()
    const options = { url: 'ws://127.0.0.1:1', token: 'alice' }
    const first = connect({ ...options, storage: one as Storage })
    // As React's StrictMode does: mounted, unmounted and mounted again in one turn.
    const queued = first.queue('bob', 'before').catch(({ code }) => code)
    const closed = first.close()
    const second = connect({ ...options, storage: other as Storage })
    await second.queue('bob', 'after')
    await closed
    const kept = (await second.outbox()).map(({ body }) => body)
    expect(kept).toEqual((await queued) === 'closed' ? ['after'] : ['before', 'after'])
    await second.close()
    const third = connect({ ...options, storage: one as Storage })
    expect((await third.outbox()).map(({ body }) => body)).toEqual(kept)
    await third.close()
  })

  it('is for one process; of those that open it at once, one has it; when that is killed another may', async () => {
    const code = `
      import('${new URL('../../dist/src/client/node.js', import.meta.url)}').then(async ({ fileStorage }) => {
        await fileStorage(${JSON.stringify(path)}).load().then(() => process.send('has it'), ({ code }) => process.send(code))
        setInterval(() => {}, 1_000)
      })`
    const file = join(path, '..', 'holder.mjs')
    writeFileSync(file, code)
    const children = Array.from({ length: 4 }, () => fork(file))
    const said = await Promise.all(children.map(async (child) => String((await once(child, 'message'))[0])))
    expect([...said].sort()).toEqual(['has it', 'storage_in_use', 'storage_in_use', 'storage_in_use'])
    const holder = children[said.indexOf('has it')]
    await expect(open()).rejects.toThrow(`in use by process ${holder?.pid}`)
    for (const child of children) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    const { storage } = await open()
    await storage.close()
  })

  it('is not kept from its file by a lock that nobody has, whatever it says', async () => {
    writeFileSync(`${path}.lock`, `${process.pid} 1`)
    const { storage } = await open()
    await storage.close()
  })
})
