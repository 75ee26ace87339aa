import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { open } from 'lmdb'
import { expect, it, onTestFinished, vi } from 'vitest'
import type { UserId } from '../../src/protocol/ids.ts'
import { Room } from '../../src/store/lmdb/room.ts'
import { lmdbStore } from '../../src/store/lmdb.ts'

/** A file of LMDB's with 50,000 bytes in it, in a folder of its own. */
async function file() {
  const folder = mkdtempSync(join(tmpdir(), 'bluetick-room-'))
  const path = join(folder, 'room.mdb')
  const root = open({ path, overlappingSync: false, eventTurnBatching: false })
  onTestFinished(async () => {
    await root.close()
    rmSync(folder, { recursive: true })
  })
  await root.put('key', 'x'.repeat(50_000))
  return { folder, path, root }
}

it('room in a file is made before it is needed, and writes over no page that is in use', async () => {
  const { folder, path, root } = await file()
  const used = readFileSync(path)
  const room = new Room({ root }, path, folder)
  expect(room.takes(0)).toBe(false)
  await room.prepare(false)
  expect(statSync(path).size).toBeGreaterThan(1024 * 1024)
  expect([room.takes(100), room.wants(100), room.takes(1024 * 1024)]).toEqual([true, false, false])
  await root.put('other', 'y'.repeat(50_000))
  room.ended()
  room.owes(() => 1024 * 1024)
  expect(room.wants(1024 * 1024)).toBe(true)
  await room.make()
  expect(room.takes(1024 * 1024)).toBe(true)
  expect(statSync(path).size).toBeGreaterThan(5 * 1024 * 1024)
  room.owes(() => 0)
  room.close(true)
  expect(statSync(path).size).toBeLessThan(used.length + 200_000)
  expect([root.get('key')?.length, root.get('other')?.length]).toEqual([50_000, 50_000])
})

it('room for what is in a journal stays where a store is closed: the next start may find the disk full', async () => {
  const { folder, path, root } = await file()
  const room = new Room({ root }, path, folder)
  room.owes(() => 1024 * 1024)
  await room.make()
  room.close(true)
  expect(statSync(path).size).toBeGreaterThan(4 * 1024 * 1024)
})

it('a limit that ends within a page costs no page that is in use', async () => {
  const { folder, path, root } = await file()
  const { size } = statSync(path)
  const limit = size + 300_000
  const written: number[] = []
  const room = new Room({ root }, path, folder, async (_, length, at) => {
    written.push(at)
    if (at >= limit) throw Object.assign(new Error('too large'), { errno: -constants.errno.EFBIG })
    return Math.min(length, limit - at)
  })
  await room.prepare(true)
  room.owes(() => 100_000)
  await expect(room.prepare(false)).rejects.toMatchObject({ code: 'full' })
  for (const at of written) expect([at >= size, at >= limit || at % 4_096]).toEqual([true, at >= limit ? true : 0])
  room.close(false)
})

it('a file that ends within a page, by a limit that a former process met, loses none that is in use, and is written to', async () => {
  const { folder, path, root } = await file()
  await root.put('freed', 'z'.repeat(600_000))
  await root.remove('freed')
  const { lastPageNumber, pageSize } = root.getStats() as { lastPageNumber: number; pageSize: number }
  const used = (lastPageNumber + 1) * pageSize
  const limit = used + 100
  truncateSync(path, limit)
  const written: number[] = []
  const room = new Room({ root }, path, folder, async (_, length, at) => {
    if (at >= limit) throw Object.assign(new Error('too large'), { errno: -constants.errno.EFBIG })
    written.push(at)
    return Math.min(length, limit - at)
  })
  await room.prepare(true)
  expect(room.refused).toMatchObject({ code: 'full' })
  expect(Math.min(...written)).toBeGreaterThanOrEqual(used)
  room.close(false)
})

it('a file that was removed while it is open is told, before anything is written to it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bluetick-room-'))
  const store = lmdbStore(folder)
  const broke = vi.fn()
  await store.open({ broke, damaged: () => {} })
  expect(await store.health()).toEqual({ ok: true })
  rmSync(folder, { recursive: true })
  const reason = expect.stringContaining(`The files in ${folder} were removed while they were in use.`)
  expect(await store.health()).toEqual({ ok: false, reason })
  await expect(store.saveBan('eve' as UserId, true)).rejects.toMatchObject({ code: 'failed', message: reason })
  expect(broke).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ code: 'failed' }))
  await store.close()
})
