/** A data folder is on a disk of this machine, or it is refused. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { closeFolder, openFolder } from '../../src/store/lmdb/folder.ts'
import { typeOf, warningOf } from '../../src/store/lmdb/place.ts'

const quiet = { broke: () => {}, damaged: () => {} }
const ext4 = 0xef53

/** Opens a folder on such a file system, and closes it. */
async function open(type: number): Promise<void> {
  const path = mkdtempSync(join(tmpdir(), 'bluetick-place-'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  await closeFolder(await openFolder(path, quiet, { typeOf: () => type }))
}

describe('a data folder', () => {
  // As `stat -f` and linux/magic.h have them.
  it.each([
    ['NFS', 0x6969],
    ['SMB', 0x517b],
    ['SMB', 0xfe534d42],
    ['SMB', 0xff534d42],
    ['9p', 0x01021997],
    ['FUSE', 0x65735546],
  ])('on %s is refused', async (name, type) => {
    await expect(open(type)).rejects.toMatchObject({ code: 'not_writable', message: expect.stringContaining(name) })
  })

  it('on ext4, tmpfs, or what has no name here, is taken', async () => {
    for (const type of [ext4, 0x01021994, 0]) await open(type)
  })

  it('in the layer of a container is warned of', () => {
    expect(warningOf('/data', 0x794c7630)).toMatch('mount a volume')
    expect(warningOf('/data', ext4)).toBeUndefined()
  })

  it('of this test is on something that Linux names', () => {
    if (process.platform === 'linux') expect(typeOf(tmpdir())).toBeGreaterThan(0)
    else expect(typeOf(tmpdir())).toBe(0)
  })
})
