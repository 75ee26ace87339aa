/** One of two processes with a bare stream between them, as nodes have it, and nothing else to do. */
import { setTimeout as sleep } from 'node:timers/promises'
import { dial, serve, type WireEvents } from '../src/cluster/link/grpc.ts'
import type { Wire } from '../src/cluster/link/link.ts'
import { answer } from './child.ts'

/** Messages a second of so many bytes that each of the two sends. */
export type Talk = { readonly rate: number; readonly bytes: number; readonly seconds: number }

let wire: Wire | undefined
const opened = (one: Wire): WireEvents => {
  wire = one
  return { received: () => {}, drained: () => {}, ended: () => {} }
}

/** Calls `send` at the rate. Resolves with the microseconds of CPU of a call, and of what comes meanwhile. */
async function talk({ rate, seconds }: Talk, send: () => void): Promise<number> {
  const [began, before] = [performance.now(), process.cpuUsage()]
  let calls = 0
  for (let ms = 0; ms < seconds * 1_000; ms = performance.now() - began) {
    for (; calls < (ms / 1_000) * rate; calls++) send()
    await sleep(Math.max(1, ((calls + 1) / rate) * 1_000 - ms))
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / calls
}

answer({
  serve: async () => (await serve('127.0.0.1', 0, null, opened)).port,
  dial: (port: number) => dial(`127.0.0.1:${port}`, null, opened),
  /** Of a message that is sent and one that comes, without what the calls alone take. */
  cost: async (options: Talk) => {
    while (!wire) await sleep(10)
    const bytes = Buffer.alloc(options.bytes, 'x')
    const send = () => void wire?.write(bytes)
    await talk({ ...options, seconds: 1 }, send)
    const both = await talk(options, send)
    // The other one has come to its end, too.
    await sleep(1_000)
    return both - (await talk(options, () => {}))
  },
})
