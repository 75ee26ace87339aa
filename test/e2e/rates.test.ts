/** A client that does as docs/writing-a-client.md says, and the SDK, reach the rate that the limits promise. How exactly: test/hosts/pace.test.ts, without time. */
import { afterEach, expect, it } from 'vitest'
import { connect } from '../../src/client/index.ts'
import { end, node, start, url } from './nodes.ts'
import { enter, type Frame } from './raw.ts'

afterEach(end)
const id = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`
const [count, window] = [3_000, 200]

/** Sends to one, so many at a time; after a refusal it waits for all answers and the longest time told, then goes on from the first refused. */
async function sendAll(): Promise<{ sent: Frame[]; closed: Promise<number>; waitedMs: number }> {
  const sent: Frame[] = []
  const again: number[] = []
  let [next, flying, wait, waitedMs] = [0, 0, 0, 0]
  const fill = () => {
    again.sort((a, b) => a - b)
    while (flying + again.length < window && next < count) say(next++, false)
  }
  const say = (n: number, repeat: boolean) => {
    flying += 1
    alice.say('send', id(n), 'bob', 'x', repeat)
  }
  const resume = () => {
    waitedMs += wait
    wait = 0
    for (const n of again.splice(0).sort((a, b) => a - b)) say(n, true)
    fill()
  }
  const heard = (frame: Frame) => {
    if (frame[0] !== 'sent' && frame[0] !== 'error') return
    flying -= 1
    if (frame[0] === 'sent') sent.push(frame)
    else {
      again.push(Number(String(frame[3]).slice(-12)))
      wait = Math.max(wait, Number(frame[4]))
    }
    if (again.length === 0) fill()
    else if (flying === 0) setTimeout(resume, wait)
  }
  const alice = await enter(url, 'alice', 'phone', heard)
  fill()
  await expect.poll(() => sent.length).toBe(count)
  return { sent, closed: alice.closed, waitedMs }
}

it('a client of frames that waits as it is told', async () => {
  await start()
  const { sent, waitedMs } = await sendAll()
  expect(sent.map(([, , , seq]) => seq)).toEqual(Array.from({ length: count }, (_, n) => n + 1))
  // 4 s by the limits: 1,000 at once, and 500 a second.
  expect(waitedMs).toBeLessThan(12_000)
})

it('the SDK', async () => {
  await start()
  const alice = connect({ url, token: 'alice' })
  const started = performance.now()
  await Promise.all(Array.from({ length: count }, (_, n) => alice.send('bob', String(n))))
  // As long, on a machine that has time.
  expect(performance.now() - started).toBeLessThan(90_000)
  await alice.close()
})

it('a device that acknowledges each entry of a long replay by itself is never closed for it', async () => {
  await start()
  for (let n = 0; n < 4_000; n++) await node.send({ from: 'shop', to: 'bob', body: 'x' })
  const bob = await enter(url, 'bob', 'phone', (frame, say) => {
    if (frame[0] === 'message') say('ack', frame[1])
  })
  await expect.poll(() => bob.of('message').length).toBe(4_000)
  await expect.poll(async () => (await node.inspect('bob'))?.devices[0]?.unacknowledged).toBe(0)
})

it.each([
  ['that say nothing new', 1],
  ['beyond the tail', 99],
])('acks %s are closed as flooding', async (_what, seq) => {
  await start({ limits: { framesPerSecond: 50 } })
  await node.send({ from: 'shop', to: 'bob', body: 'x' })
  const bob = await enter(url, 'bob')
  for (let n = 0; n < 400; n++) bob.say('ack', seq)
  expect(await bob.closed).toBe(3007)
})

it('sends that come again and again without waiting are closed as flooding', async () => {
  await start({ limits: { framesPerSecond: 50 } })
  const alice = await enter(url, 'alice')
  for (let n = 0; n < 2_000; n++) alice.say('send', id(n), 'bob', 'x', false)
  expect(await alice.closed).toBe(3007)
})
