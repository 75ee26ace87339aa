/** What /proc tells of CPU: of a process, of its main thread, and of the machine. Zeros on other systems. */
import { readFileSync } from 'node:fs'

/** Of the kernel's clock for /proc: 100 a second on all machines that Node runs on. */
const tickUs = 10_000

/** CPU of all threads of a process, in microseconds. */
export const cpuUs = (pid: number): number => used(`/proc/${pid}/stat`).allUs
/** What of that was spent in the kernel. */
export const kernelCpuUs = (pid: number): number => used(`/proc/${pid}/stat`).kernelUs
export const mainCpuUs = (pid: number): number => used(`/proc/${pid}/task/${pid}/stat`).allUs

function used(path: string): { readonly allUs: number; readonly kernelUs: number } {
  // The name of the process may have spaces and brackets.
  const [, fields = ''] = /.*\) (.*)/.exec(read(path)) ?? []
  const [user = 0, system = 0] = fields.split(' ').slice(11, 13).map(Number)
  return { allUs: (user + system) * tickUs, kernelUs: system * tickUs }
}

/** CPU of all cores since the machine started, in microseconds: what programs used, and what the machine's host gave to others. */
export type Cores = { readonly busyUs: number; readonly stolenUs: number }

export function cores(): Cores {
  const [, ticks = ''] = /^cpu +(.*)/.exec(read('/proc/stat')) ?? []
  const [user = 0, nice = 0, system = 0, _idle, _wait, irq = 0, softirq = 0, stolen = 0] = ticks.split(' ').map(Number)
  return { busyUs: (user + nice + system + irq + softirq) * tickUs, stolenUs: stolen * tickUs }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
