/** The chat page in Chromium: all of a chat is shown, in whatever order it comes of the server, of what the browser keeps, and of those who write. */
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Client, connect } from '../../src/client/index.ts'
import { freePort } from '../ports.ts'
import { needsChromium, Pages, texts } from './pages.ts'

const pages = new Pages(await freePort())
const url = `ws://127.0.0.1:${pages.port}`

/** In pages that are opened from now on, what they keep is opened when they hear "let-go". */
const holdOpening = (context: BrowserContext): Promise<unknown> =>
  context.addInitScript(() => {
    let holds = true
    const { open } = IDBFactory.prototype
    IDBFactory.prototype.open = function (...given) {
      const request = open.apply(this, given)
      queueMicrotask(() => {
        const success = request.onsuccess
        const opened = (event: Event) => success?.call(request, event)
        if (success && holds && given[0].startsWith('bluetick-page:'))
          request.onsuccess = (event) => (holds ? addEventListener('let-go', () => opened(event)) : opened(event))
      })
      return request
    }
    addEventListener('let-go', () => {
      holds = false
    })
  })

/** In pages that are opened from now on, lines that are read of what is kept come when the page hears "let-go"; again from "hold" on. */
const holdLines = (context: BrowserContext): Promise<unknown> =>
  context.addInitScript(() => {
    let holds = true
    const { openCursor } = IDBIndex.prototype
    IDBIndex.prototype.openCursor = function (...given) {
      const request = openCursor.apply(this, given)
      const { transaction } = request
      const complete = transaction?.oncomplete
      if (transaction?.mode === 'readonly' && complete && holds && this.name === 'order')
        transaction.oncomplete = (event) =>
          addEventListener('let-go', () => complete.call(transaction, event), { once: true })
      return request
    }
    for (const sign of ['hold', 'let-go'])
      addEventListener(sign, () => {
        holds = sign === 'hold'
      })
  })

const tell = (page: Page, sign: 'hold' | 'let-go') => page.evaluate((sign) => dispatchEvent(new Event(sign)), sign)

/** This browser keeps no lines any more; how far it has read the inbox, it knows. */
async function forgetLines(page: Page, user: string): Promise<void> {
  await page.goto(`${pages.origin}/app.css`)
  await page.evaluate(async (name) => {
    const deleting = indexedDB.deleteDatabase(name)
    await new Promise((resolve) => {
      deleting.onsuccess = resolve
    })
  }, `bluetick-page:${user}`)
}

/** What one sees who scrolls up. */
async function fromTop(page: Page): Promise<string[]> {
  await page.locator('#scroll').evaluate((list) => list.scrollTo(0, 0))
  return texts(page)
}

async function readUpTo(client: Client, last: string): Promise<void> {
  for await (const message of client.messages()) {
    message.read()
    if (message.body === last) break
  }
}

const numbered = (count: number) => Array.from({ length: count }, (_, n) => `no ${n}`)

describe('the chat page', needsChromium, () => {
  beforeAll(() => pages.start())
  afterAll(() => pages.end())

  it('reads a permanent chat back from the server when one scrolls up, in a browser that had none of it', async () => {
    const [dan, eve] = ['dan', 'eve'].map((token) => connect({ url, token }))
    if (!dan || !eve) throw new Error('both are there')
    await dan.setLifetime('eve', 'permanent')
    const told = numbered(150)
    for (const [n, text] of told.entries()) await (n % 5 ? dan : eve).send(n % 5 ? 'eve' : 'dan', text)
    await readUpTo(eve, 'no 149')
    await readUpTo(dan, 'no 145')
    await expect.poll(() => eve.outbox()).toEqual([])
    await dan.close()
    await eve.close()
    // First all comes from the inbox, and before what is kept is open: own messages, which come sooner, in their places.
    const slow = await pages.browserOf(1200)
    await holdOpening(slow)
    const caughtUp = new Promise<Page>((resolve) => {
      slow.once('page', (page) =>
        page.on('websocket', (socket) =>
          socket.on('framereceived', ({ payload }) => String(payload).includes('"live"') && resolve(page)),
        ),
      )
    })
    const opening = pages.open(slow, 'eve', 'dan')
    await tell(await caughtUp, 'let-go')
    const first = await opening
    await expect.poll(() => fromTop(first), { interval: 300 }).toEqual(told)
    await slow.close()
    // What the server knows is there before what is kept.
    const desk = await pages.browserOf(1200)
    const before = await pages.open(desk, 'eve')
    await before.waitForSelector('.chat .preview:has-text("no 149")')
    await forgetLines(before, 'eve')
    await before.close()
    await holdLines(desk)
    const page = await pages.open(desk, 'eve', 'dan')
    await page.waitForSelector('#banner', { state: 'hidden' })
    const zoe = connect({ url, token: 'zoe' })
    await zoe.send('eve', 'by now you know all')
    await zoe.close()
    await page.waitForSelector('.chat .preview:has-text("by now you know all")')
    await tell(page, 'let-go')
    await expect.poll(() => fromTop(page), { interval: 300 }).toEqual(told)
    await expect
      .poll(() => page.locator('#messages .change').allTextContents())
      .toEqual(['dan changed how long messages are kept: messages are kept until you delete them'])
    await desk.close()
  })

  it('shows what comes while a chat is being opened, and nothing that goes', async () => {
    const desk = await pages.browserOf(1200)
    await holdLines(desk)
    const [kim, lou] = [connect({ url, token: 'kim', device: 'other' }), connect({ url, token: 'lou' })]
    for (const text of ['one', 'two', 'three']) await lou.send('kim', text)
    const page = await pages.open(desk, 'kim')
    await tell(page, 'let-go')
    await page.click('.chat:has(.preview:has-text("three"))')
    await expect.poll(() => texts(page)).toEqual(['one', 'two', 'three'])
    await page.waitForSelector('.chat:not(:has(.unread))')
    await page.keyboard.press('Escape')
    await page.waitForSelector('.chat:not([aria-current])')
    await tell(page, 'hold')
    await page.click('.chat')
    await page.waitForSelector('.chat[aria-current]')
    for await (const message of kim.messages()) {
      if (message.body !== 'three') continue
      await kim.delete(message)
      break
    }
    await page.waitForSelector('.chat .preview:has-text("two")')
    await lou.send('kim', 'came meanwhile')
    await page.waitForSelector('.chat .preview:has-text("came meanwhile")')
    await tell(page, 'let-go')
    await expect.poll(() => texts(page)).toEqual(['one', 'two', 'came meanwhile'])
    for (const closing of [kim, lou, desk]) await closing.close()
  })

  it('goes on with what came before by itself when the server is back, also in a group, and from where nothing can be scrolled', async () => {
    const desk = await pages.browserOf(1200)
    const [max, nia] = [connect({ url, token: 'max' }), await pages.open(desk, 'nia')]
    const group = await max.createGroup('Readers', ['nia'])
    const told = numbered(150)
    for (const text of told) await max.send(group, text)
    await nia.waitForSelector('.chat .preview:has-text("no 149")')
    await nia.evaluate(() => navigator.serviceWorker.ready)
    await max.close()
    await forgetLines(nia, 'nia')
    await nia.close()
    await pages.stop()
    const page = await pages.open(desk, 'nia', group)
    await page.waitForSelector('#banner:has-text("No connection")')
    expect(await texts(page)).toEqual([])
    await pages.serve()
    await expect.poll(async () => (await texts(page)).at(-1)).toBe('no 149')
    await pages.stop()
    await page.waitForSelector('#banner:has-text("No connection")')
    const [oldest] = await fromTop(page)
    expect(oldest).not.toBe('no 0')
    await pages.serve()
    await expect.poll(async () => (await texts(page))[0]).not.toBe(oldest)
    await expect.poll(() => fromTop(page), { interval: 300 }).toEqual(told)
    await desk.close()
  })

  it('opens the chat that is pressed, also where something comes before it is let go', async () => {
    const desk = await pages.browserOf(1200)
    const [ora, pam] = [connect({ url, token: 'ora' }), connect({ url, token: 'pam' })]
    await ora.send('quy', 'from ora')
    await pam.send('quy', 'from pam')
    const page = await pages.open(desk, 'quy')
    // What comes after that moves no chat from under the pointer before it is pressed.
    await page.waitForSelector('#banner', { state: 'hidden' })
    await expect.poll(() => page.title()).toContain('2')
    // Waits until it stands still: a box that is asked for may be that of a line which is drawn anew, and none.
    await page.locator('.chat:has-text("ora")').hover()
    await page.mouse.down()
    await ora.send('quy', 'one more')
    await expect.poll(() => page.title()).toContain('3')
    await page.mouse.up()
    await expect.poll(() => texts(page)).toEqual(['from ora', 'one more'])
    await page.waitForSelector('.chat[aria-current]:has-text("ora") .preview:has-text("one more")')
    for (const closing of [ora, pam, desk]) await closing.close()
  })

  it('made no error on the way', () => {
    expect(pages.problems).toEqual([])
  })
})
