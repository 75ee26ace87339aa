import { readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { StoreError } from './contract.ts'

/**
 * Takes a folder for this process and returns what gives it back. The lock names the process and when it started, so that
 * one left behind by `kill -9` never blocks a restart, also when its number is in use again.
 */
export function lockFolder(path: string): () => void {
  const file = `${path}/LOCK`
  const holder = read(file)
  const pid = Number(holder.split(' ')[0])
  if (pid > 0 && holder === `${pid} ${startOf(pid)}`) {
    throw new StoreError(
      'locked',
      `The data folder ${path} is in use by process ${pid}; stop it or choose another folder.`,
    )
  }
  writeFileSync(file, `${process.pid} ${startOf(process.pid)}`, { mode: 0o600 })
  return () => unlinkSync(file)
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/** When a process started, in the kernel's ticks; 'gone' when there is none, 'alive' where the system has no /proc. */
function startOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[19] ?? 'gone'
  } catch {
    try {
      process.kill(pid, 0)
      return process.platform === 'linux' ? 'gone' : 'alive'
    } catch {
      return 'gone'
    }
  }
}
