/** One process at a time. */
import { link, readFile, rename, unlink, writeFile } from 'node:fs/promises'
import { StorageError } from './errors.ts'

/**
 * Takes `path` for this process, and answers what gives it back. The lock beside it names the process and when it started,
 * so that one left behind by `kill -9` is in nobody's way, also when its number is in use again.
 */
export async function lock(path: string): Promise<() => Promise<void>> {
  const file = `${path}.lock`
  const own = `${file}.${process.pid}.${Math.random().toString(36).slice(2)}`
  await writeFile(own, await name(process.pid), { mode: 0o600, flag: 'wx' })
  try {
    // A link is made whole or not at all, and only where there is none.
    for (let tries = 0; !(await made(own, file)); tries++) {
      const holder = await alive(file)
      if (holder === undefined && tries < 3) await discard(file, own)
      else throw new StorageError('storage_in_use', `the storage ${path} is in use by process ${holder ?? 'unknown'}`)
    }
  } finally {
    await unlink(own)
  }
  return () => unlink(file)
}

async function made(own: string, file: string): Promise<boolean> {
  try {
    await link(own, file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** The process that holds a lock; undefined when it is gone. */
async function alive(file: string): Promise<number | undefined> {
  const holder = await readFile(file, 'utf8').catch(() => '')
  const pid = Number(holder.split(' ')[0])
  return pid > 0 && holder === (await name(pid)) ? pid : undefined
}

/** Removes a lock of a process that is gone; but not one that somebody else took in between. */
async function discard(file: string, own: string): Promise<void> {
  const aside = `${own}.old`
  await rename(file, aside).catch(() => undefined)
  if ((await alive(aside)) !== undefined) await made(aside, file)
  await unlink(aside).catch(() => undefined)
}

/** A process, and when it started in the kernel's ticks; where the system has no /proc, whether it lives. */
async function name(pid: number): Promise<string> {
  try {
    return `${pid} ${(await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ')[19]}`
  } catch {
    return `${pid} ${process.platform !== 'linux' && lives(pid) ? 'alive' : 'gone'}`
  }
}

function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
