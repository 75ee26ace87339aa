/** The chat page in Chromium on a device that has nothing yet: its list is there before the messages are. */
import type { BrowserContext } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connect } from '../../src/client/index.ts'
import { freePort } from '../ports.ts'
import { needsChromium, Pages } from './pages.ts'
import { entries } from './raw.ts'

const pages = new Pages(await freePort())

/** Entries for pages of this browser wait, from the first on, until the answer is called. */
async function slow(context: BrowserContext): Promise<() => void> {
  const held: (() => void)[] = []
  let isHeld = true
  await context.routeWebSocket(/./, (page) => {
    const server = page.connectToServer()
    server.onMessage((data) => {
      for (const line of String(data).split('\n')) {
        const isEntry = entries.includes(JSON.parse(line)[0])
        if (isHeld && isEntry) held.push(() => page.send(line))
        else page.send(line)
      }
    })
  })
  return () => {
    isHeld = false
    for (const send of held.splice(0)) send()
  }
}

describe('the chat page', needsChromium, () => {
  beforeAll(() => pages.start())
  afterAll(() => pages.end())

  it('shows the chats of somebody who comes by a new browser, with what is unread, before a message has come', async () => {
    const at = (token: string) => connect({ url: `ws://127.0.0.1:${pages.port}`, token })
    const [ann, ben, phone] = [at('ann'), at('ben'), at('pam')]
    for (const body of ['one', 'two', 'three']) await ann.send('pam', body)
    await ben.send('pam', 'hello')
    for await (const message of phone.messages()) {
      if (message.body === 'two' || message.body === 'hello') message.read()
      if (message.body === 'hello') break
    }
    for (const [client, body] of [
      [ann, 'two'],
      [ben, 'hello'],
    ] as const)
      await client
        .reached((await client.outbox()).find((message) => message.body === body)?.id ?? '', 'read')
        .catch(() => undefined)
    const context = await pages.browserOf(1280)
    const release = await slow(context)
    const page = await pages.open(context, 'pam')
    const rows = () =>
      page
        .locator('#chats .chat')
        .evaluateAll((all) =>
          all.map((one) => ['.name', '.preview', '.badge'].map((part) => one.querySelector(part)?.textContent ?? '')),
        )
    await expect.poll(rows).toEqual([
      ['ben', 'Loading…', ''],
      ['ann', 'Loading…', '1 unread message'],
    ])
    release()
    await expect.poll(rows).toEqual([
      ['ben', 'hello', ''],
      ['ann', 'three', '1 unread message'],
    ])
    expect(pages.problems).toEqual([])
    await Promise.all([ann, ben, phone].map((client) => client.close()))
  })
})
