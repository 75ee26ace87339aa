/** Pictures, videos and files in sealed chats of the chat page, in Chromium. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { e2ee } from '../../src/client/e2ee/index.ts'
import { connect } from '../../src/client/index.ts'
import { freePort } from '../ports.ts'
import { dropVideo, needsChromium, Pages } from './pages.ts'

const pages = new Pages(await freePort(), ['--e2ee', 'allowed'])
const patient = { timeout: 120_000 }

async function turnOn(page: Page): Promise<void> {
  await page.click('#keys button:has-text("Turn on encryption")')
  await page.waitForSelector('#keys', { state: 'hidden' })
}
const files = (): string[] =>
  readdirSync(pages.data, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))

describe('the chat page with encryption', needsChromium, () => {
  beforeAll(() => pages.start())
  afterAll(() => pages.end())

  it('shows pictures, plays and seeks in videos, and saves files that the server cannot read; and a program gets them too', async () => {
    const [desk, phone] = [await pages.browserOf(1200), await pages.browserOf(390)]
    const [ann, ben] = [await pages.open(desk, 'ann', 'ben'), await pages.open(phone, 'ben', 'ann')]
    for (const page of [ann, ben]) await turnOn(page)
    await ann.waitForSelector('#lock[title="Encrypted"]', patient)
    const picture = await ann.evaluate(async () => {
      const canvas = new OffscreenCanvas(640, 360)
      const context = canvas.getContext('2d')
      for (let x = 0; x < 640; x += 2) {
        if (context) context.fillStyle = `hsl(${Math.random() * 360} 80% 50%)`
        context?.fillRect(x, 0, 2, 360)
      }
      return [...new Uint8Array(await (await canvas.convertToBlob({ type: 'image/png' })).arrayBuffer())]
    })
    const bytes = Buffer.from(picture)
    await ann.setInputFiles('#files', { name: 'sunset.png', mimeType: 'image/png', buffer: bytes })
    await ann.fill('#info input', 'A sunset, as a canary')
    await ann.click('#info .primary')
    const shown = ben.locator('#messages img:not(.loading)')
    await expect.poll(() => shown.evaluate((image) => (image as HTMLImageElement).naturalWidth), patient).toBe(640)
    await shown.click()
    await ben.waitForSelector('#viewer[open] img')
    await ben.keyboard.press('Escape')

    await dropVideo(ann)
    await ann.click('#info .primary')
    await ben.waitForSelector('.media.video img')
    await ben.click('.media.video')
    const video = ben.locator('video.media')
    await expect.poll(() => video.evaluate((video) => (video as HTMLVideoElement).ended), patient).toBe(true)
    const sought = await video.evaluate(async (video: HTMLVideoElement) => {
      const there = new Promise((resolve) => {
        video.onseeked = resolve
      })
      video.currentTime = 0.5
      await there
      return video.currentTime
    })
    expect(sought).toBeCloseTo(0.5, 1)

    await ann.setInputFiles('#files', {
      name: 'plan.html',
      mimeType: 'text/html',
      buffer: Buffer.from('<script>a canary</script>'),
    })
    await ann.click('#info .primary')
    const file = ben.locator('.media.file:has-text("plan.html")')
    await file.waitFor()
    const download = ben.waitForEvent('download')
    await file.click()
    expect(readFileSync(await (await download).path(), 'utf8')).toBe('<script>a canary</script>')
    await expect.poll(() => ann.locator('#messages .tick.read').count(), patient).toBe(3)

    // A program is one more person here.
    const keys = e2ee()
    const cid = connect({ url: `ws://127.0.0.1:${pages.port}`, token: 'cid', e2ee: keys })
    await keys.place()
    const medium = await cid.upload(new Blob([bytes]))
    await cid.send('ben', 'from a program', { media: medium })
    await ben.click('#back')
    await ben.click('.chat:has-text("cid")')
    await expect
      .poll(
        () => ben.locator('#messages img:not(.loading)').evaluate((image) => (image as HTMLImageElement).naturalWidth),
        patient,
      )
      .toBe(640)
    await cid.close()

    // What the server has is of no use.
    await pages.stop('SIGKILL')
    const kept = files().map((path) => readFileSync(path))
    for (const canary of [bytes.subarray(1_000, 1_100), Buffer.from('canary'), Buffer.from('plan.html')])
      expect(kept.some((content) => content.includes(canary))).toBe(false)
    expect(pages.problems).toEqual([])
    for (const context of [desk, phone]) await context.close()
  }, 240_000)
})
