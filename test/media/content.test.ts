/** Content is read and written by one thread at a time. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { bytesOf, disk, Line } from '../../src/media/content.ts'

describe('tasks in a line', () => {
  it('are done one at a time, in order, also behind one that fails', async () => {
    const line = new Line()
    const log: string[] = []
    const task = (name: string) =>
      line.run(async () => {
        log.push(`${name} begins`)
        await new Promise(setImmediate)
        log.push(`${name} ends`)
        if (name === 'b') throw new Error(name)
        return name
      })
    const all = await Promise.allSettled(['a', 'b', 'c'].map(task))
    expect(log).toEqual(['a', 'b', 'c'].flatMap((name) => [`${name} begins`, `${name} ends`]))
    expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(await task('d')).toBe('d')
  })

  it('wait behind those that came before, whoever comes when one ends', async () => {
    const line = new Line()
    let under = 0
    let most = 0
    const task = async (): Promise<void> => {
      await line.run(async () => {
        most = Math.max(most, ++under)
        await new Promise(setImmediate)
        under -= 1
      })
    }
    await Promise.all(Array.from({ length: 20 }, async () => task().then(task)))
    expect(most).toBe(1)
  })
})

describe('content', () => {
  async function made(size: number) {
    const folder = mkdtempSync(join(tmpdir(), 'bluetick-content-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const bytes = Buffer.from(Array.from({ length: size }, (_, n) => n % 251))
    writeFileSync(join(folder, 'file'), bytes)
    const handle = await open(join(folder, 'file'))
    onTestFinished(() => handle.close())
    const read = async (first: number, last: number) => {
      const parts: Uint8Array[] = []
      for await (const part of bytesOf(handle, first, last)) parts.push(part)
      return Buffer.concat(parts)
    }
    return { bytes, read }
  }

  it('is read from one byte to another, and ends where the file does', async () => {
    const { bytes, read } = await made(600_000)
    expect((await read(0, 599_999)).equals(bytes)).toBe(true)
    expect((await read(5, 5)).equals(bytes.subarray(5, 6))).toBe(true)
    expect((await read(262_140, 524_300)).equals(bytes.subarray(262_140, 524_301))).toBe(true)
    expect((await read(599_990, 700_000)).equals(bytes.subarray(599_990))).toBe(true)
    expect(await read(0, -1)).toHaveLength(0)
  })

  it('waits for the disk as everything else of media does', async () => {
    const { read } = await made(10)
    const log: string[] = []
    const before = disk.run(async () => {
      await new Promise(setImmediate)
      log.push('before')
    })
    const reading = read(0, 9).then(() => log.push('read'))
    await Promise.all([before, reading])
    expect(log).toEqual(['before', 'read'])
  })
})
