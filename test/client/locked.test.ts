/** A storage that is of no use without its key. */
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { e2ee } from '../../src/client/e2ee/index.ts'
import { connect, memoryStorage, type Storage } from '../../src/client/index.ts'
import { lockedStorage } from '../../src/client/locked.ts'
import { fileStorage } from '../../src/client/node.ts'
import { end, start, url } from '../e2e/nodes.ts'

const key = () => crypto.getRandomValues(new Uint8Array(32))
const browserKey = () => crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt'])

async function filled(storage: Storage): Promise<Storage> {
  await storage.load()
  await storage.write(
    new Map<string, unknown>([
      ['pair:bob', new Uint8Array([1, 2, 3])],
      ['cursor', { user: 'alice', seq: 7 }],
    ]),
  )
  return storage
}
const textsIn = async (storage: Storage) =>
  JSON.stringify([...(await storage.load())].map(([name, value]) => [name, [...(value as Uint8Array)]]))

describe('a locked storage', () => {
  it('has what was written, with bytes, and with a key that cannot be taken out of WebCrypto', async () => {
    for (const by of [key(), await browserKey()]) {
      const inner = memoryStorage()
      await filled(lockedStorage(inner, by))
      const again = lockedStorage(inner, by)
      expect(await again.load()).toEqual(
        new Map<string, unknown>([
          ['pair:bob', new Uint8Array([1, 2, 3])],
          ['cursor', { user: 'alice', seq: 7 }],
        ]),
      )
      await again.write(new Map([['pair:bob', undefined]]))
      expect([...(await lockedStorage(inner, by).load()).keys()]).toEqual(['cursor'])
    }
  })

  it('shows neither values nor names, nor what was there before it was locked', async () => {
    const [inner, by] = [memoryStorage(), key()]
    await filled(inner)
    const locked = lockedStorage(inner, by)
    expect((await locked.load()).get('cursor')).toEqual({ user: 'alice', seq: 7 })
    const raw = await textsIn(inner)
    for (const words of ['bob', 'cursor', 'alice']) {
      expect(raw).not.toContain(words)
      expect(raw).not.toContain([...new TextEncoder().encode(words)].join())
    }
    expect((await lockedStorage(inner, by).load()).size).toBe(2)
  })

  it('is refused with another key, and where a value was moved under another name or changed', async () => {
    const [inner, by] = [memoryStorage(), key()]
    await filled(lockedStorage(inner, by))
    const refused = { name: 'StorageError', code: 'storage_locked' }
    await expect(lockedStorage(inner, key()).load()).rejects.toMatchObject(refused)
    const kept = [...(await inner.load())].filter(([name]) => name !== 'locked')
    const [[one = '', value] = [], [other = ''] = []] = kept
    await inner.write(new Map([[other, value]]))
    await expect(lockedStorage(inner, by).load()).rejects.toMatchObject(refused)
    await inner.write(
      new Map<string, unknown>([
        [other, undefined],
        [one, (value as Uint8Array).map((byte) => byte ^ 1)],
      ]),
    )
    await expect(lockedStorage(inner, by).load()).rejects.toMatchObject(refused)
    expect(() => lockedStorage(inner, new Uint8Array(16))).toThrow('32 bytes')
  })

  it('is refused where the entry is gone that its names are hidden by: locked once more, nothing of it would be found', async () => {
    const [inner, by] = [memoryStorage(), key()]
    await filled(lockedStorage(inner, by))
    await inner.write(new Map([['locked', undefined]]))
    const before = await inner.load()
    await expect(lockedStorage(inner, by).load()).rejects.toMatchObject({
      name: 'StorageError',
      code: 'storage_locked',
      message: expect.stringContaining('`locked` is gone'),
    })
    expect(await inner.load()).toEqual(before)
  })

  it('that fails to write has written nothing, and is as before for the next', async () => {
    const [inner, by] = [memoryStorage(), key()]
    await filled(lockedStorage(inner, by))
    const failing = lockedStorage({ ...inner, write: () => Promise.reject(new Error('full')) }, by)
    await failing.load()
    await expect(failing.write(new Map([['cursor', 1]]))).rejects.toThrow('full')
    expect((await lockedStorage(inner, by).load()).get('cursor')).toEqual({ user: 'alice', seq: 7 })
  })
})

describe('a client whose file is locked', () => {
  afterEach(end)

  it('goes on after a restart, and its file has neither its words nor the names of whom it writes to', async () => {
    await start({ e2ee: 'allowed' })
    const [path, by] = [join(mkdtempSync(join(tmpdir(), 'bluetick-locked-')), 'alice'), key()]
    const bob = connect({ url, token: 'bobadilla', e2ee: e2ee() })
    await bob.e2ee?.place()
    for (const body of ['a canary on disk', 'another canary']) {
      const alice = connect({ url, token: 'alice', storage: lockedStorage(fileStorage(path), by), e2ee: e2ee() })
      await alice.e2ee?.place()
      expect(await alice.send('bobadilla', body)).toMatchObject({ sealed: true })
      await alice.close()
    }
    const bodies = []
    for await (const { body } of bob.messages()) if (bodies.push(body) === 2) break
    expect(bodies).toEqual(['a canary on disk', 'another canary'])
    const raw = readFileSync(path, 'latin1')
    for (const words of ['canary', btoa('a canary on disk').slice(0, 18), 'bobadilla', 'e2ee:'])
      expect(raw).not.toContain(words)
    await bob.close()
  })

  it('has in its file not even the ciphertext of what was deleted, with the first write after a day', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'bluetick-locked-')), 'alice')
    const storage = lockedStorage(fileStorage(path), key())
    await storage.load()
    await storage.write(new Map([['secret', 'a canary']]))
    const raw = () => readFileSync(path, 'latin1')
    const [[, locked] = []] = JSON.parse(raw().trim().split('\n').at(-1) ?? '') as [string, unknown][]
    await storage.write(new Map([['secret', undefined]]))
    expect(raw()).toContain(JSON.stringify(locked))
    const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 86_400_000)
    await storage.write(new Map([['other', 1]]))
    clock.mockRestore()
    expect(raw()).not.toContain(JSON.stringify(locked))
    await storage.close()
  })
})
