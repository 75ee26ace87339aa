/** A machine that slept comes back to a connection that is dead, and counts as open: over a real socket, in Node and on the chat page in Chromium. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { connect } from '../../src/client/index.ts'
import { createNode, memoryStore } from '../../src/index.ts'
import { needsChromium, Pages, texts } from '../e2e/pages.ts'
import { freePort } from '../ports.ts'
import { Way } from './swallowing.ts'

/** With this the heartbeat finds nothing within a test: it asks after 480 s. */
const heartbeatSeconds = 960

it('a client that is woken leaves a dead connection in seconds, and keeps one that is good', async () => {
  await using node = createNode({ store: memoryStore(), heartbeatSeconds })
  const { port } = await node.listen({ port: 0 })
  const way = new Way(port)
  onTestFinished(() => way.close())
  await using alice = connect({ url: `ws://127.0.0.1:${await way.open()}`, token: 'alice' })
  await expect.poll(() => alice.connection.is).toBe('online')
  const states: string[] = []
  alice.on('connection', ({ is }) => states.push(is))
  for (let n = 0; n < 20; n++) alice.retryNow()
  await alice.send('bob', 'one')
  expect(way.links).toBe(1)
  way.goDead()
  const sent = alice.send('bob', 'two')
  for (let n = 0; n < 20; n++) alice.retryNow()
  await expect.poll(() => states).toEqual(['waiting', 'connecting', 'online'])
  expect(await sent).toMatchObject({ state: 'sent' })
  expect(way.links).toBe(2)
})

describe('the chat page', needsChromium, () => {
  it('that is seen again after a sleep has a good connection in seconds', async () => {
    const pages = new Pages(await freePort(), ['--heartbeat-seconds', String(heartbeatSeconds)])
    await pages.start()
    const way = new Way(pages.port)
    onTestFinished(async () => {
      way.close()
      await pages.end()
    })
    const origin = `http://127.0.0.1:${await way.open()}`
    const page = await (await pages.browserOf(390)).newPage()
    await page.goto(`${origin}/#me=ann&chat=ben`)
    await page.waitForSelector('#banner', { state: 'hidden' })
    // Chromium without a screen hides no page: it says what it would when this one is seen again, or the network is back.
    const wake = () =>
      page.evaluate(() => {
        for (let n = 0; n < 5; n++)
          for (const sign of ['visibilitychange', 'pageshow', 'online'])
            (sign === 'visibilitychange' ? document : window).dispatchEvent(new Event(sign, { bubbles: true }))
      })
    await wake()
    await using ben = connect({ url: `ws://127.0.0.1:${pages.port}`, token: 'ben' })
    await ben.send('ann', 'before')
    await expect.poll(() => texts(page)).toEqual(['before'])
    expect(way.links).toBe(1)
    way.goDead()
    await ben.send('ann', 'while it slept')
    await wake()
    await expect.poll(() => texts(page)).toEqual(['before', 'while it slept'])
    expect(way.links).toBe(2)
  })
})
