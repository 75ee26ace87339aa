/** Writes that go past the cache of the system, and those that cannot. */
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { aligned, openOut, Sheet } from '../../../src/store/lmdb/journal/out.ts'

const page = 4_096
let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bluetick-out-'))
  return () => rmSync(folder, { recursive: true })
})

/** Whether the file system takes a write past its cache. */
function letsPass(): boolean {
  const path = join(folder, 'tried')
  try {
    const file = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_DIRECT)
    writeSync(file, aligned(page), 0, page, 0)
    closeSync(file)
    return true
  } catch {
    return false
  }
}

/** The flags with which this process has the file open. */
function flagsOf(path: string): number {
  const file = readdirSync('/proc/self/fd').find((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === path
    } catch {
      return false
    }
  })
  return Number.parseInt(/flags:\s+(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${file}`, 'utf8'))?.[1] ?? '', 8)
}

describe('a sheet', () => {
  it('is begun anew by records of each size, with one view for all of a size', () => {
    const sheet = new Sheet(4 * page)
    const first = sheet.start(page)
    sheet.start(2 * page).fill(7)
    expect(first).toEqual(Buffer.alloc(page, 7))
    expect(sheet.start(page)).toBe(first)
  })
})

const sides = Buffer.concat([Buffer.alloc(page, 7), Buffer.alloc(2 * page, 8), Buffer.alloc(page, 7)])

describe('a file of the journal', () => {
  it('is read as it was written, by both kinds of writes', async () => {
    const path = join(folder, 'file')
    const out = await openOut(path)
    await out.write(aligned(4 * page).fill(7), 0)
    const large = aligned(1024 * 1024).fill(8)
    out.writeNow(large.subarray(page, 3 * page), page)
    out.close()
    expect(readFileSync(path).equals(sides)).toBe(true)
  })

  it.runIf(process.platform === 'linux')('is written past the cache where the file system lets it', async () => {
    const path = join(folder, 'file')
    const out = await openOut(path)
    const flags = flagsOf(path)
    out.close()
    expect((flags & constants.O_DIRECT) !== 0).toBe(letsPass())
    expect(flags & constants.O_DSYNC).toBe(constants.O_DSYNC)
  })

  it('is one that cannot be opened, or the error says so', async () => {
    await expect(openOut(join(folder, 'nowhere', 'file'))).rejects.toMatchObject({ code: 'ENOENT' })
  })
})
