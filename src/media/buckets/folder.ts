/** A folder that all nodes have mounted, on NFS for one. */
import { existsSync, mkdirSync } from 'node:fs'
import { access, constants, mkdir, open, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isText } from '../../protocol/options.ts'
import { StoreError } from '../../store/error.ts'
import { full, isNoRoom } from '../../store/lmdb/room.ts'
import { bytesOf, disk } from '../content.ts'
import { syncFolder } from '../spooled.ts'
import type { Bucket } from './bucket.ts'

/** An empty file that tells the folder from the place where it was mounted, and from which it is gone now. */
const mark = '.bluetick-media'

/** Keeps media in the folder `path`, which is made if need be; all nodes have to have the same one mounted. */
export function folderBucket(path: string): Bucket {
  if (!isText.fits(path)) throw new TypeError('folderBucket needs the path of a folder')
  const at = (name: string) => join(path, name)
  const isMounted = () =>
    access(at(mark)).catch((cause) => {
      const text = `The media folder ${path} lacks its file ${mark}: is it still mounted?`
      throw new StoreError('unavailable', text, { cause })
    })
  return {
    async open(known) {
      try {
        mkdirSync(path, { recursive: true, mode: 0o700 })
        await access(path, constants.W_OK)
        if (known.length > 0 && !known.some((name) => existsSync(at(name))))
          throw new Error(
            `nothing of what was put there is in it: is it mounted? If it is, and has lost them, make an empty file ${at(known[0] ?? '')} and start again`,
          )
        await writeFile(at(mark), '')
      } catch (cause) {
        const text = `The media folder ${path} cannot be used (${(cause as Error).message}); choose another or change its owner.`
        throw new StoreError('not_writable', text, { cause })
      }
    },
    async put(name, source) {
      const file = at(name)
      await isMounted()
      await mkdir(dirname(file), { recursive: true, mode: 0o700 })
      await copy(source, file).catch((error) => {
        throw isNoRoom(error) ? full(path, error) : error
      })
      for (const folder of [dirname(file), path]) await syncFolder(folder)
    },
    async *read(name, first, last) {
      const handle = await open(at(name))
      try {
        yield* bytesOf(handle, first, last)
      } finally {
        await handle.close()
      }
    },
    async remove(name) {
      await isMounted()
      await rm(at(name), { force: true })
    },
  }
}

async function copy(source: string, file: string): Promise<void> {
  const from = await open(source)
  const to = await open(file, 'w', 0o600)
  try {
    for await (const bytes of bytesOf(from, 0, (await from.stat()).size - 1)) await disk.run(() => to.writeFile(bytes))
    await disk.run(() => to.datasync())
  } finally {
    await Promise.all([from.close(), to.close()])
  }
}
