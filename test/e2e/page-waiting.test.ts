/** The chat page in Chromium: what waits to be sent is kept, shown, and can be taken back. */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../ports.ts'
import { needsChromium, Pages, say, texts } from './pages.ts'

const pages = new Pages(await freePort())

/** A picture of one colour, drawn by the browser itself. */
const picture = (page: Page, colour: string): Promise<number[]> =>
  page.evaluate(async (colour) => {
    const canvas = new OffscreenCanvas(320, 200)
    const context = canvas.getContext('2d')
    if (context) context.fillStyle = colour
    context?.fillRect(0, 0, 320, 200)
    return [...new Uint8Array(await (await canvas.convertToBlob({ type: 'image/png' })).arrayBuffer())]
  }, colour)

async function choose(page: Page, name: string, colour: string, caption: string): Promise<void> {
  const buffer = Buffer.from(await picture(page, colour))
  await page.setInputFiles('#files', { name, mimeType: 'image/png', buffer })
  await page.waitForSelector('#info .thumb')
  await page.fill('#info [aria-label="Caption"]', caption)
  await page.click('#info .primary')
}

describe('the chat page', needsChromium, () => {
  beforeAll(() => pages.start())
  afterAll(() => pages.end())

  it('sends pictures that were chosen offline, after a reload, once, with their captions; and not those that were taken back', async () => {
    const [desk, phone] = [await pages.browserOf(1200), await pages.browserOf(390)]
    const [ann, ben] = [await pages.open(desk, 'ann', 'ben'), await pages.open(phone, 'ben', 'ann')]
    for (const page of [ann, ben]) await page.waitForSelector('#banner', { state: 'hidden' })
    await ann.evaluate(() => navigator.serviceWorker.ready)
    await pages.stop()
    await ann.waitForSelector('#banner:has-text("No connection")')
    await choose(ann, 'red.png', 'red', 'A red one')
    await choose(ann, 'green.png', 'green', 'A green one')
    await choose(ann, 'blue.png', 'blue', '')
    await expect.poll(() => ann.locator('#pending li').count()).toBe(3)
    const waits = ann.locator('#pending li:has-text("Waiting for connection")')
    expect(await waits.count()).toBe(3)
    expect(await waits.locator('.tick.queued').count()).toBe(3)
    expect(await ann.locator('#pending progress:visible').count()).toBe(0)
    await ann.locator('#pending li:has-text("A green one")').getByText('Cancel').click()
    await expect.poll(() => ann.locator('#pending li').count()).toBe(2)
    await ann.reload()
    await expect.poll(() => ann.locator('#pending li').count()).toBe(2)
    expect(await ann.locator('#pending').textContent()).toContain('A red one')
    await pages.serve()
    await expect.poll(() => ann.locator('#pending li').count()).toBe(0)
    await ben
      .locator('#banner-action')
      .click({ timeout: 1_000 })
      .catch(() => undefined)
    await expect.poll(() => ben.locator('#messages .media img').count()).toBe(2)
    expect(await texts(ben)).toEqual(['A red one'])
    await ann.reload()
    await expect.poll(() => ann.locator('#messages .media img').count()).toBe(2)
    expect(await ann.locator('#pending li').count()).toBe(0)
    await desk.close()
    await phone.close()
  })

  it('sends a document with its caption, which stand apart for who gets it', async () => {
    const desk = await pages.browserOf(1200)
    const [gil, hal] = [await pages.open(desk, 'gil', 'hal'), await pages.open(await pages.browserOf(390), 'hal')]
    for (const page of [gil, hal]) await page.waitForSelector('#banner', { state: 'hidden' })
    await gil.setInputFiles('#files', { name: 'plan.txt', mimeType: 'text/plain', buffer: Buffer.from('1. rest') })
    await gil.fill('#info [aria-label="Caption"]', 'The plan for May')
    await gil.press('#info [aria-label="Caption"]', 'Enter')
    await hal.waitForSelector('.chat:has-text("gil") .preview:has-text("File: plan.txt · The plan for May")')
    await hal.click('.chat')
    const file = hal.locator('#messages li', { hasText: 'plan.txt' })
    expect(await file.locator('.file strong').textContent()).toBe('plan.txt')
    expect(await file.locator('.text').textContent()).toBe('The plan for May')
    const [saved] = await Promise.all([hal.waitForEvent('download'), file.locator('.file').click()])
    expect(saved.suggestedFilename()).toBe('plan.txt')
    for (const page of [gil, hal]) await page.context().close()
  })

  it('keeps the end in view while a picture that is sent is loaded, from when it waits until it is there', async () => {
    const phone = await pages.browserOf(390)
    const ivy = await pages.open(phone, 'ivy', 'jan')
    await ivy.waitForSelector('#banner', { state: 'hidden' })
    await say(ivy, ...Array.from({ length: 30 }, (_, n) => `line ${n}`))
    const below = () =>
      ivy
        .locator('#scroll')
        .evaluate(({ scrollHeight, scrollTop, clientHeight }) => Math.round(scrollHeight - scrollTop - clientHeight))
    await expect.poll(below).toBeLessThan(2)
    for (const [colour, count] of [
      ['red', 1],
      ['green', 2],
    ] as const) {
      await choose(ivy, `${colour}.png`, colour, '')
      await expect.poll(() => ivy.locator('#messages .media img:not(.loading)').count()).toBe(count)
      await expect.poll(below).toBeLessThan(2)
      expect(await ivy.locator('#down').isVisible()).toBe(false)
    }
    await pages.stop()
    await ivy.waitForSelector('#banner:has-text("No connection")')
    await choose(ivy, 'blue.png', 'blue', '')
    await expect.poll(() => ivy.locator('#pending .thumb').evaluate((thumb) => thumb.clientHeight)).toBeGreaterThan(100)
    await expect.poll(below).toBeLessThan(2)
    expect(await ivy.locator('#down').isVisible()).toBe(false)
    await pages.serve()
    await phone.close()
  })

  it('takes back a text that waits, into the field', async () => {
    const desk = await pages.browserOf(1200)
    const eve = await pages.open(desk, 'eve', 'fay')
    await eve.waitForSelector('#banner', { state: 'hidden' })
    await pages.stop()
    await eve.waitForSelector('#banner:has-text("No connection")')
    await say(eve, 'too early', 'this one stays')
    const line = eve.locator('#messages li', { hasText: 'too early' })
    await line.hover()
    await line.getByLabel('Message options').click()
    await eve.getByText('Take back').click()
    await expect.poll(() => texts(eve)).toEqual(['this one stays'])
    expect(await eve.inputValue('#text')).toBe('too early')
    await pages.serve()
    await eve.waitForSelector('#messages .tick.sent')
    expect(await texts(eve)).toEqual(['this one stays'])
    await desk.close()
  })

  it('made no error on the way', () => {
    expect(pages.problems).toEqual([])
  })
})
