/**
 * What kind of file system a data folder is on, as Linux numbers them (statfs(2)). LMDB shares its file as memory, the lock of the folder
 * is one of the kernel's, and a message is safe when the disk of this machine has it: over a network none of that holds.
 */
import { statfsSync } from 'node:fs'
import { StoreError } from '../error.ts'

export type TypeOf = (path: string) => number

const shared = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xfe534d42, 'SMB'],
  [0xff534d42, 'SMB'],
  [0x01021997, '9p'],
  [0x65735546, 'FUSE'],
])
const overlay = 0x794c7630

/** 0: another system numbers them in its own way. */
export const typeOf: TypeOf = (path) => (process.platform === 'linux' ? statfsSync(path).type : 0)

/** Throws where the folder is not on a disk of this machine. */
export function checkPlace(path: string, type = typeOf(path)): void {
  const name = shared.get(type)
  if (name === undefined) return
  const text = `The data folder ${path} is on a file system of kind ${name}, where a message that is sent may not be safe; choose a folder on a disk of this machine.`
  throw new StoreError('not_writable', text)
}

/** What there is to say of a place that works: a container's own layer goes when the container does. */
export function warningOf(path: string, type = typeOf(path)): string | undefined {
  if (type !== overlay) return undefined
  return `The data folder ${path} is in the layer of a container, and is lost when the container is removed: mount a volume there.`
}
