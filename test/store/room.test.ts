import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { open } from 'lmdb'
import { expect, it, onTestFinished, vi } from 'vitest'
import type { UserId } from '../../src/protocol/ids.ts'
import { Room } from '../../src/store/lmdb/room.ts'
import { lmdbStore } from '../../src/store/lmdb.ts'

it('room in a file is made between transactions, not in one, and writes over no page that is in use', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bluetick-room-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'room.mdb')
  const root = open({ path, overlappingSync: false, eventTurnBatching: false })
  await root.put('key', 'x'.repeat(50_000))
  const used = readFileSync(path)
  const room = new Room({ root }, path, folder)
  room.prepare()
  const { size } = statSync(path)
  expect(size).toBeGreaterThan(1024 * 1024)
  room.check(4 * 1024 * 1024)
  expect(statSync(path).size).toBe(size)
  await root.put('other', 'y'.repeat(50_000))
  room.ended()
  room.prepare()
  expect(statSync(path).size).toBeGreaterThan(8 * 1024 * 1024)
  room.ended()
  room.close(true)
  expect(statSync(path).size).toBeLessThan(used.length + 200_000)
  expect([root.get('key')?.length, root.get('other')?.length]).toEqual([50_000, 50_000])
  await root.close()
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
