/** A journal on a disk that becomes slow, and then hangs. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { closeFolder, openFolder } from '../../../src/store/lmdb/folder.ts'
import { type OpenOut, openOut } from '../../../src/store/lmdb/journal/out.ts'
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
  const append = (seq: number) => journal.append({ user: bob, epoch: 7, term: 1, entries: [message(seq)] })
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
