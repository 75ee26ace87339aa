import { mkdtempSync, writeFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { fileMedia } from '../../src/media/files.ts'
import { mediaContract } from '../contracts/media.ts'

const folder = () => mkdtempSync(join(tmpdir(), 'bluetick-media-'))
let path = folder()
beforeEach(() => {
  path = folder()
})
const files = async () =>
  (await readdir(join(path, 'files'), { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
mediaContract(
  'files',
  () => fileMedia(path),
  () => fileMedia(path),
  async () => (await files()).length,
)

describe('the file store', () => {
  it('belongs to one process, and says which has it', async () => {
    const first = fileMedia(path)
    await first.open()
    await expect(fileMedia(path).open()).rejects.toMatchObject({ code: 'locked' })
    await first.close()
  })

  it('says that a folder cannot be written', async () => {
    writeFileSync(join(path, 'file'), '')
    await expect(fileMedia(join(path, 'file')).open()).rejects.toMatchObject({ code: 'not_writable' })
  })
})
