/** The body of a request, read chunk by chunk. */
import { expect, it } from 'vitest'
import { RequestBody } from '../../src/gateway/body.ts'
import type { HttpResponse } from '../../src/gateway/uws.ts'

const large = 200 * 1_024
/** A response whose request comes as the test says. */
function request() {
  const log: string[] = []
  let arrive = (_chunk: ArrayBuffer, _last: boolean) => {}
  const response = {
    onData: (heard: typeof arrive) => {
      arrive = heard
    },
    pause: () => log.push('pause'),
    resume: () => log.push('resume'),
  } as unknown as HttpResponse
  const body = new RequestBody(response)
  const comes = (length: number, last = false) => arrive(new ArrayBuffer(length), last)
  const chunks = body[Symbol.asyncIterator]()
  const next = async () => {
    const { value, done } = await chunks.next()
    return done ? 'end' : value.byteLength
  }
  return { body, log, comes, next }
}

it('comes as it was sent, also while it is waited for, and ends', async () => {
  const { comes, next } = request()
  comes(3)
  expect(await next()).toBe(3)
  const second = next()
  comes(5, true)
  expect([await second, await next()]).toEqual([5, 'end'])
})

it('is kept from the memory of others: a chunk is a copy', async () => {
  let arrive = (_chunk: ArrayBuffer, _last: boolean) => {}
  const onData = (heard: typeof arrive) => {
    arrive = heard
  }
  const body = new RequestBody({ onData } as unknown as HttpResponse)
  const bytes = new Uint8Array([1, 2])
  arrive(bytes.buffer, true)
  bytes.fill(9)
  for await (const chunk of body) expect([...chunk]).toEqual([1, 2])
})

it('pauses the sender while nobody reads, and lets it go on when somebody does', async () => {
  const { comes, next, log } = request()
  comes(large)
  expect(log).toEqual([])
  comes(large)
  expect(log).toEqual(['pause'])
  await next()
  expect(log).toEqual(['pause', 'resume'])
})

it('says that the client went away in the middle, after what had come', async () => {
  const { body, comes, next } = request()
  comes(4)
  body.breakOff()
  expect(await next()).toBe(4)
  await expect(next()).rejects.toThrow('went away')
})

it('that came whole stays whole when the client goes', async () => {
  const { body, comes, next } = request()
  comes(4, true)
  body.breakOff()
  expect([await next(), await next()]).toEqual([4, 'end'])
})

it('that nobody wants is thrown away as it comes, so that the next request may come', () => {
  const { body, comes, log } = request()
  comes(large)
  comes(large)
  expect(body.discard(), 'there is more').toBe(false)
  expect(log).toEqual(['pause', 'resume'])
  comes(large)
  comes(large)
  expect(log).toEqual(['pause', 'resume'])
  const whole = request()
  whole.comes(3, true)
  expect(whole.body.discard()).toBe(true)
})
