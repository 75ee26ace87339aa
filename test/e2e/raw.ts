/** A client of frames alone, as docs/writing-a-client.md has it. */
import { once } from 'node:events'
import { expect } from 'vitest'
import { WebSocket } from 'ws'

export type Frame = readonly unknown[]
export type Raw = Awaited<ReturnType<typeof dial>>

const open = new Set<WebSocket>()

type Heard = (frame: Frame, say: (...frame: Frame) => void) => void
export const entries = ['message', 'copy', 'receipt', 'seen', 'gone', 'deleted']

/** Acknowledges each entry as it comes. */
export const acknowledging: Heard = (frame, say) => {
  const [kind, seq, upTo] = frame
  if (entries.includes(kind as string) && seq !== 0) say('ack', kind === 'gone' ? upTo : seq)
}

/** Says hello. `heard` hears each frame as it comes; `cursor`: the epoch and the seq that it has. */
export async function dial(url: string, user: string, device = 'phone', heard?: Heard, cursor: readonly number[] = []) {
  const socket = new WebSocket(url, 'bluetick.v1.json')
  const say = (...frame: Frame) => socket.send(JSON.stringify(frame))
  open.add(socket)
  const frames: Frame[] = []
  socket.on('message', (data) => {
    for (const line of String(data).split('\n')) {
      const frame = JSON.parse(line) as Frame
      frames.push(frame)
      heard?.(frame, say)
    }
  })
  const closed = new Promise<number>((resolve) => socket.on('close', (code) => resolve(code)))
  await once(socket, 'open')
  const of = (kind: string) => frames.filter((frame) => frame[0] === kind)
  say('hello', user, device, ...cursor)
  return { socket, closed, say, frames, of }
}

/** And answers when the node has welcomed it, or hung up. */
export async function enter(...whom: Parameters<typeof dial>) {
  const raw = await dial(...whom)
  await expect.poll(() => raw.of('welcome').length || raw.socket.readyState > 1).toBeTruthy()
  return raw
}

export function closeAll(): void {
  for (const socket of open) socket.terminate()
  open.clear()
}
