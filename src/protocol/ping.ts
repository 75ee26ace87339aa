/**
 * A ping of a msgpack client that comes alone, as nearly all messages of idle devices are, is told by its bytes, and answered with
 * bytes: 19,000 users send 1,267 of them a second, and to decode it and encode the answer was a sixth of its CPU.
 */
import { kinds } from './kinds.ts'

/** An array of two, and above this a number of more than one byte. */
const pair = 0x92
const most = 0x7f

/** The number of the ping that a message is and nothing else; undefined for any other, which is to be decoded. */
export function pingOf(data: string | Uint8Array): number | undefined {
  if (data.length !== 3 || data[0] !== pair || data[1] !== kinds.ping) return undefined
  const number = data[2] as number
  return number <= most ? number : undefined
}

const pong = Uint8Array.of(pair, kinds.pong, 0)

/** The message that answers it: the same bytes each time, to be sent at once. An array of its own took as much memory as the session. */
export function pongTo(ping: number): Uint8Array {
  pong[2] = ping
  return pong
}
