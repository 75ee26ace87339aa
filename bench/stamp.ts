/** What a body of the bench carries: who sent it, its number between the two, and when it was due. */
export const stamp = { sender: 0, number: 4, due: 8, bytes: 16 }

export function payload(bytes: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(Math.max(stamp.bytes, bytes)))
}

/** Milliseconds on a clock that all processes of a machine share, since who sends is in another process than who receives. */
export function now(): number {
  const [seconds, nanos] = process.hrtime()
  return seconds * 1_000 + nanos / 1e6
}
