/** The body of an HTTP request, read once, chunk by chunk. While nobody keeps up, the socket is paused: the sender waits, not the memory. */
import type { HttpResponse } from './uws.ts'

/** Bytes that may wait here. A paused socket still hands over what the kernel has for it, up to its receive buffer. */
const highWater = 256 * 1024

/** The client went away in the middle. */
export class BrokenOff extends Error {}

export class RequestBody implements AsyncIterable<Uint8Array> {
  readonly #response: HttpResponse
  #chunks: Uint8Array[] = []
  #waiting = 0
  #paused = false
  #state: 'coming' | 'whole' | 'broken' | 'unwanted' = 'coming'
  #wake = () => {}

  constructor(response: HttpResponse) {
    this.#response = response
    response.onData((chunk, last) => this.#arrived(new Uint8Array(chunk), last))
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = this.#chunks.shift()
      if (chunk) {
        this.#waiting -= chunk.byteLength
        if (this.#waiting < highWater) this.#pause(false)
        yield chunk
      } else if (this.#state === 'whole') return
      else if (this.#state === 'broken') throw new BrokenOff('the client went away')
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
    }
  }

  /** The client went away: the response may not be touched any more. */
  breakOff(): void {
    if (this.#state === 'coming') this.#state = 'broken'
    this.#wake()
  }

  /** The answer is about to be given: what still comes is thrown away, and the next request may come. Answers whether the whole body has come. */
  discard(): boolean {
    const whole = this.#state === 'whole'
    this.#pause(false)
    if (!whole) this.#state = 'unwanted'
    this.#chunks = []
    return whole
  }

  #arrived(chunk: Uint8Array, last: boolean): void {
    if (this.#state !== 'coming') return
    if (chunk.byteLength > 0) {
      this.#chunks.push(chunk.slice()) // the bytes are uWebSockets.js's, and gone when this returns
      this.#waiting += chunk.byteLength
    }
    if (last) this.#state = 'whole'
    else if (this.#waiting >= highWater) this.#pause(true)
    this.#wake()
  }

  #pause(pause: boolean): void {
    if (pause === this.#paused || this.#state === 'broken' || this.#state === 'unwanted') return
    this.#paused = pause
    if (pause) this.#response.pause()
    else this.#response.resume()
  }
}
