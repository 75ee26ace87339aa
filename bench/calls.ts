/** System calls of a server, counted by strace. They make it slower, and what goes together then is more: so this is a stretch of its own. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** Calls of all threads of a process while `work` runs, by name. */
export async function callsOf(pid: number, work: () => Promise<unknown>): Promise<Map<string, number>> {
  const strace = spawn('strace', ['-f', '-c', '-p', String(pid)], { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  strace.stderr.on('data', (bytes: Buffer) => {
    said += bytes
  })
  const ended = once(strace, 'close').catch((error: Error) => {
    said = `${error.message}: apt-get install strace`
  })
  let running = true
  void ended.then(() => {
    running = false
  })
  while (running && !said.includes('attached')) await Promise.race([once(strace.stderr, 'data'), ended])
  if (!running) throw new Error(`System calls cannot be counted: ${said.trim()}`)
  try {
    await work()
  } finally {
    strace.kill('SIGINT')
    await ended
  }
  return countsOf(said)
}

/** Of the table of `strace -c`: `% time, seconds, usecs/call, calls, errors, syscall`. */
const countsOf = (table: string): Map<string, number> =>
  new Map(
    [...table.matchAll(/^ *[\d.]+ +[\d.]+ +\d+ +(\d+) +(?:\d+ +)?([a-z]\w*)$/gm)].flatMap(([, count, name]) =>
      name === 'total' ? [] : [[String(name), Number(count)]],
    ),
  )

/** Of each call that is made at least now and then, how many come to one of `events`. */
export const callsPer = (who: string, what: string, calls: ReadonlyMap<string, number>, events: number) =>
  Object.fromEntries(
    [...calls]
      .map(([name, count]) => [`${who}_${name}_per_${what}`, count / events] as const)
      .filter(([, share]) => share >= 0.01),
  )
