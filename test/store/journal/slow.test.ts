/** A journal on a disk that becomes slow, and then hangs. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { closeFolder, openFolder } from '../../../src/store/lmdb/folder.ts'
import { type OpenOut, openOut } from '../../../src/store/lmdb/journal/out.ts'
import { packAppend } from '../../../src/store/lmdb/rows.ts'
import { message, user } from '../../contracts/store.ts'

const bob = user('bob')

/** `slowMs`: what a write takes on the thread of the event loop; those of other threads wait while the disk hangs. */
class Disk {
  slowMs = 0
  hangs = Promise.resolve()
  readonly here: number[] = []
  threads = 0

  readonly open: OpenOut = async (path) => {
    const out = await openOut(path)
    const write = async (bytes: Uint8Array, at: number) => {
      this.threads += 1
      await this.hangs
      return out.write(bytes, at)
    }
    const writeNow = (bytes: Uint8Array, at: number) => {
      this.here.push(this.slowMs)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, this.slowMs)
      out.writeNow(bytes, at)
    }
    return { ...out, write, writeNow }
  }
}

it('holds up the event loop once; then others wait for it, while tables are written and read', async () => {
  const root = mkdtempSync(join(tmpdir(), 'bluetick-slow-'))
  const disk = new Disk()
  const { journal, commits, tables, unlock } = await openFolder(
    join(root, 'data'),
    { broke: () => {}, damaged: () => {} },
    { open: disk.open },
  )
  const append = (seq: number) => journal.append(packAppend(bob, 7, 1, [message(seq)]))
  // The first makes the file, on other threads.
  for (let seq = 1; disk.here.length === 0; seq++) await append(seq)
  const tail = () => journal.of(bob)?.entries.at(-1)?.seq ?? 0
  disk.slowMs = 200
  while (!disk.here.includes(200)) await append(tail() + 1)
  const [here, threads, last] = [disk.here.length, disk.threads, tail()]
  let go = () => {}
  disk.hangs = new Promise((resolve) => {
    go = resolve
  })
  const answered: number[] = []
  const waiting = [1, 2, 3].map((n) => append(last + n).then(() => answered.push(last + n)))
  await commits.write(({ bans }) => void bans.put(bob, true))
  expect(tables.bans.get(bob)).toBe(true)
  expect([answered, tail(), disk.here.length]).toEqual([[], last, here])
  expect(disk.threads).toBeGreaterThan(threads)
  go()
  await Promise.all(waiting)
  expect([answered, tail()]).toEqual([[last + 1, last + 2, last + 3], last + 3])
  await closeFolder({ journal, commits, tables, unlock })
  rmSync(root, { recursive: true })
})

it('whoever waits for the next file waits for 4 MB of it, not for all', async () => {
  const root = mkdtempSync(join(tmpdir(), 'bluetick-slow-'))
  // Files that are filled within ten seconds are followed by larger ones.
  const clock = vi.spyOn(performance, 'now').mockReturnValue(1)
  let pieces = 0
  /** Of the first, and of the next. */
  const enough = 16 + 16
  let reached = () => {}
  let asked = new Promise<void>((resolve) => {
    reached = resolve
  })
  let go = () => {}
  const slow: OpenOut = async (path) => {
    const out = await openOut(path)
    const write = async (bytes: Uint8Array, at: number) => {
      const isFilling = bytes.subarray(0, 8).every((byte) => byte === 0)
      if (isFilling && ++pieces > enough) {
        const held = new Promise<void>((resolve) => {
          go = resolve
        })
        reached()
        await held
      }
      return out.write(bytes, at)
    }
    return { ...out, write }
  }
  const opened = await openFolder(join(root, 'data'), { broke: () => {}, damaged: () => {} }, { open: slow })
  const { journal, commits } = opened
  const append = (seq: number) => journal.append(packAppend(bob, 7, 1, [message(seq, 1_000, 'x'.repeat(1_000_000))]))
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  for (let seq = 1; seq <= 4; seq++) await append(seq)
  await asked
  asked = new Promise((resolve) => {
    reached = resolve
  })
  const answered = append(5).then(() => 'answered')
  for (let n = 0; n < 3; n++) {
    await turn()
    await commits.makeRoom()
  }
  await turn()
  go()
  expect(await Promise.race([answered, asked.then(() => 'waits for more')])).toBe('answered')
  await closeFolder(opened)
  clock.mockRestore()
  rmSync(root, { recursive: true })
})
