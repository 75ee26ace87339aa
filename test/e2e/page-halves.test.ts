/** The chat page in Chromium: a second browser shows both halves of a conversation, or says what it lacks. */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../ports.ts'
import { needsChromium, Pages, say, texts } from './pages.ts'

const pages = new Pages(await freePort())
const usual = new Pages(await freePort(), ['--lifetime', 'default'])

/** Ann and Ben talk; then Ann adds a browser, which is answered. */
async function secondBrowser(on: Pages): Promise<Page> {
  const [desk, phone, other] = [await on.browserOf(1200), await on.browserOf(390), await on.browserOf(1200)]
  const [ann, ben] = [await on.open(desk, 'ann', 'ben'), await on.open(phone, 'ben', 'ann')]
  await say(ann, 'Hello Ben')
  await expect.poll(() => texts(ben)).toEqual(['Hello Ben'])
  await say(ben, 'Hello Ann')
  await expect.poll(() => texts(ann)).toEqual(['Hello Ben', 'Hello Ann'])
  return on.open(other, 'ann', 'ben')
}

describe('a second browser', needsChromium, () => {
  beforeAll(() => Promise.all([pages.start(), usual.start()]))
  afterAll(() => Promise.all([pages.end(), usual.end()]))

  it('shows both halves of what was said before', async () => {
    const second = await secondBrowser(pages)
    await expect.poll(() => texts(second)).toEqual(['Hello Ben', 'Hello Ann'])
    expect(await second.locator('#messages').textContent()).not.toContain('may be missing')
  })

  it('says what it may lack where the node keeps no history', async () => {
    const second = await secondBrowser(usual)
    await expect.poll(() => texts(second)).toEqual(['Hello Ann'])
    const gap = second.locator('#messages .divider', {
      hasText: 'What you wrote before that on other devices may be missing',
    })
    await gap.waitFor()
    await say(second, 'From the second')
    await expect.poll(() => second.locator('#messages li').last().textContent()).toContain('From the second')
    expect(await gap.count()).toBe(1)
  })

  it('made no error on the way', () => {
    expect([...pages.problems, ...usual.problems]).toEqual([])
  })
})
