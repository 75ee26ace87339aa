/** The chat page in Chromium: messages that vanish, chats that are kept, and what one deletes. */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connect, type Lifetime } from '../../src/client/index.ts'
import { lifetimes } from '../../src/web/words.ts'
import { freePort } from '../ports.ts'
import { makeGroup, needsChromium, Pages, say, texts } from './pages.ts'

const pages = new Pages(await freePort())

/** All that this browser keeps of its pages, as text. */
const storedOf = (page: Page): Promise<string> =>
  page.evaluate(async () => {
    const found: unknown[] = []
    for (const { name = '' } of await indexedDB.databases()) {
      const opening = indexedDB.open(name)
      const database = await new Promise<IDBDatabase>((resolve) => {
        opening.onsuccess = () => resolve(opening.result)
      })
      for (const store of database.objectStoreNames) {
        const all = database.transaction(store).objectStore(store).getAll()
        await new Promise((resolve) => {
          all.onsuccess = resolve
        })
        found.push(name, store, all.result)
      }
      database.close()
    }
    return JSON.stringify(found)
  })

async function setLifetime(page: Page, lifetime: Lifetime): Promise<void> {
  await page.click('#about')
  await page.selectOption('#info select', lifetime)
  await page.keyboard.press('Escape')
}

async function options(page: Page, text: string): Promise<void> {
  const line = page.locator('#messages li', { hasText: text }).last()
  await line.hover()
  await line.getByLabel('Message options').click()
}

describe('the chat page', needsChromium, () => {
  beforeAll(() => pages.start())
  afterAll(() => pages.end())

  it('lets messages vanish by themselves, at both, also from what the browser keeps, and also where it was closed meanwhile', async () => {
    const [desk, phone] = [await pages.browserOf(1200), await pages.browserOf(390)]
    const ann = await pages.open(desk, 'ann', 'ben')
    const ben = await pages.open(phone, 'ben', 'ann')
    await say(ann, 'stays')
    await ben.waitForSelector('#messages .text')
    expect(await ann.locator('#lasting').isVisible()).toBe(false)
    await setLifetime(ann, 'read 30000')
    await ann.waitForSelector(
      '.change:has-text("You changed how long messages are kept: messages disappear 30 seconds after they are read")',
    )
    await ben.waitForSelector(
      '.change:has-text("ann changed how long messages are kept: messages disappear 30 seconds after they are read")',
    )
    for (const page of [ann, ben]) await page.waitForSelector('#lasting[title*="disappear 30 seconds"]')
    // A person has to wait longer than a test: what the page offers starts at 30 s.
    const cat = connect({ url: `ws://127.0.0.1:${pages.port}`, token: 'ann', device: 'other' })
    await cat.setLifetime('ben', 'read 4000')
    await cat.close()
    await ann.waitForSelector('.change:has-text("4 seconds after")')
    await say(ann, 'vanishing secret')
    const there = () => Promise.all([texts(ann), texts(ben)])
    await expect.poll(there).toEqual([
      ['stays', 'vanishing secret'],
      ['stays', 'vanishing secret'],
    ])
    await ben.waitForSelector('.timer .left:has-text("s")')
    expect(await storedOf(ann)).toContain('vanishing secret')
    await expect.poll(there).toEqual([['stays'], ['stays']])
    for (const page of [ann, ben]) expect(await storedOf(page)).not.toContain('vanishing secret')
    await ben.waitForSelector('#back')
    await say(ann, 'while closed')
    await expect.poll(async () => (await texts(ben)).at(-1)).toBe('while closed')
    await ben.close()
    await new Promise((resolve) => setTimeout(resolve, 4_500))
    const again = await pages.open(phone, 'ben', 'ann')
    await expect.poll(() => texts(again)).toEqual(['stays'])
    expect(await storedOf(again)).not.toContain('while closed')
    await expect.poll(() => again.locator('.chat .preview').textContent()).not.toContain('while closed')
    await desk.close()
    await phone.close()
  })

  it('shows what comes in chats and in a group of every lifetime that it offers', async () => {
    const desk = await pages.browserOf(1200)
    const zed = await pages.open(desk, 'zed')
    await zed.waitForSelector('#banner', { state: 'hidden' })
    const url = `ws://127.0.0.1:${pages.port}`
    const clients = lifetimes.map((_, n) => connect({ url, token: `writer-${n}` }))
    const [admin] = clients
    if (!admin) throw new Error('there is one')
    const group = await admin.createGroup('Lifetimes', ['zed'])
    for (const [n, lifetime] of lifetimes.entries()) {
      await clients[n]?.setLifetime('zed', lifetime)
      await clients[n]?.send('zed', `lasts ${lifetime}`)
      await admin.setLifetime(group, lifetime)
      await admin.send(group, `lasts ${lifetime}`)
    }
    for (const client of clients) await client.close()
    const shown: string[][] = []
    for (const chat of [...lifetimes.map((_, n) => `writer-${n}`), group]) {
      await zed.evaluate((hash) => {
        location.hash = hash
      }, new URLSearchParams({ me: 'zed', chat }).toString())
      await zed.waitForSelector(`[data-chat="${chat}"][aria-current]`)
      shown.push(
        await expect
          .poll(() => texts(zed))
          .not.toEqual([])
          .then(
            () => texts(zed),
            () => [],
          ),
      )
    }
    const told = lifetimes.map((lifetime) => `lasts ${lifetime}`)
    expect(shown).toEqual([...told.map((text) => [text]), told])
    await desk.close()
  })

  it('deletes a message and a chat for oneself, after a question, on all own devices and in the browser', async () => {
    const [desk, phone, other] = [await pages.browserOf(1200), await pages.browserOf(390), await pages.browserOf(1200)]
    const fay = await pages.open(desk, 'fay', 'gil')
    const second = await pages.open(phone, 'fay', 'gil')
    const gil = await pages.open(other, 'gil', 'fay')
    for (const page of [fay, second, gil]) await page.waitForSelector('#banner', { state: 'hidden' })
    await say(gil, 'from gil', 'a secret of gil')
    await expect.poll(async () => (await texts(second)).length).toBe(2)
    await say(fay, 'a secret of fay')
    for (const page of [fay, second, gil])
      await expect.poll(() => texts(page)).toEqual(['from gil', 'a secret of gil', 'a secret of fay'])
    for (const secret of ['a secret of gil', 'a secret of fay']) {
      await options(fay, secret)
      await fay.getByText('Delete for me').click()
      await fay.getByText('Cancel').click()
      await expect.poll(() => texts(fay)).toContain(secret)
      await options(fay, secret)
      await fay.getByText('Delete for me').click()
      await fay.getByText('Delete', { exact: true }).click()
      for (const page of [fay, second]) await expect.poll(() => texts(page)).not.toContain(secret)
    }
    for (const page of [fay, second]) {
      expect(await texts(page)).toEqual(['from gil'])
      await expect.poll(() => storedOf(page)).not.toContain('secret')
    }
    await expect.poll(() => fay.locator('.chat .preview').textContent()).toContain('from gil')
    expect(await texts(gil)).toHaveLength(3)
    await second.click('#about')
    await second.getByText('Delete chat').click()
    await second.getByText('Delete', { exact: true }).click()
    await second.waitForSelector('#empty')
    await expect.poll(() => texts(fay)).toEqual([])
    for (const page of [fay, second]) await expect.poll(() => storedOf(page)).not.toContain('from gil')
    await fay.reload()
    await say(gil, 'hello again')
    await expect.poll(() => texts(fay)).toEqual(['hello again'])
    await second.waitForSelector('.chat:has-text("gil") .preview:has-text("hello again")')
    for (const context of [desk, phone, other]) await context.close()
  })

  it('keeps a bounded number of lines of a chat', async () => {
    const desk = await pages.browserOf(1200)
    const page = await pages.open(desk, 'jan')
    await page.waitForSelector('#banner', { state: 'hidden' })
    const kay = connect({ url: `ws://127.0.0.1:${pages.port}`, token: 'kay' })
    await Promise.all(Array.from({ length: 2_300 }, (_, n) => kay.send('jan', `line ${n}.`)))
    await kay.close()
    await page.waitForSelector('.chat .preview:has-text("line 2299.")')
    const stored = await storedOf(page)
    expect(stored).not.toContain('"line 100."')
    expect(stored).toContain('"line 400."')
    await desk.close()
  })

  it('says who types in a group, and its admin sets how long messages stay', async () => {
    const [desk, phone] = [await pages.browserOf(1200), await pages.browserOf(390)]
    const hal = await pages.open(desk, 'hal')
    const ivy = await pages.open(phone, 'ivy')
    await hal.waitForSelector('#banner', { state: 'hidden' })
    await makeGroup(hal, 'Walkers', 'ivy')
    await hal.waitForSelector('#presence:has-text("you, ivy")')
    await ivy.click('.chat')
    await ivy.waitForSelector('#presence:has-text("hal, you")')
    await ivy.fill('#text', 'Hm')
    await hal.waitForSelector('#presence:has-text("ivy is typing…")')
    await ivy.fill('#text', '')
    await hal.waitForSelector('#presence:has-text("you, ivy")')
    await ivy.click('#about')
    await ivy.waitForSelector('#info:has-text("In this group")')
    expect(await ivy.getByLabel('Keep new messages').count()).toBe(0)
    await ivy.keyboard.press('Escape')
    // A sheet is there at once: to close it before the node has answered closes that, and not the chat.
    await ivy.click('#about')
    await ivy.keyboard.press('Escape')
    await ivy.waitForSelector('#info', { state: 'hidden' })
    expect(await ivy.locator('#text').isVisible()).toBe(true)
    await setLifetime(hal, 'temporary')
    await ivy.waitForSelector('.change:has-text("hal changed"):has-text("delivered")')
    await ivy.waitForSelector('#lasting')
    await desk.close()
    await phone.close()
  })

  it('made no error on the way', () => {
    expect(pages.problems).toEqual([])
  })
})
