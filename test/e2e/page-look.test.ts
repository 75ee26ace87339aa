/** The chat page in Chromium: what stands on it can be read in both modes, and be found. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connect } from '../../src/client/index.ts'
import { freePort } from '../ports.ts'
import { faint, isInSight, needsChromium, Pages, say } from './pages.ts'

const pages = new Pages(await freePort())

describe('the chat page', needsChromium, () => {
  beforeAll(() => pages.start())
  afterAll(() => pages.end())

  it.each(['light', 'dark'] as const)(
    'can be read, in %s: all texts stand out by 4.5 to 1, and there is one heading of the page',
    async (mode) => {
      const desk = await pages.browserOf(1200)
      const page = await desk.newPage()
      await page.emulateMedia({ colorScheme: mode })
      await page.goto(pages.origin)
      await page.waitForSelector('#me')
      const told = await faint(page)
      expect(await page.getByRole('heading', { level: 1 }).count()).toBe(1)
      await page.fill('#me', `nora-${mode}`)
      await page.press('#me', 'Enter')
      await page.waitForSelector('#side')
      const url = `ws://127.0.0.1:${pages.port}`
      const others = ['ada', 'bea', 'cyd', 'dee', 'eva', 'fay', 'gus', 'hal'].map((token) => connect({ url, token }))
      const [ada] = others
      const group = await ada?.createGroup('Readers', [`nora-${mode}`, 'bea', 'cyd', 'dee', 'eva', 'fay', 'gus', 'hal'])
      for (const other of others) {
        await other.send(`nora-${mode}`, 'see https://example.org')
        await other.send(group ?? '', 'hello')
      }
      const tablet = connect({ url, token: `nora-${mode}`, device: 'tablet' })
      await tablet.tag('ada', { muted: Number.POSITIVE_INFINITY, pinned: 1 })
      await tablet.tag('bea', { muted: Number.POSITIVE_INFINITY, archived: 0 })
      await tablet.close()
      await page.click('#archived summary')
      await page.waitForSelector('#archived-chats .sign')
      await page.click('.chat:has-text("Readers")')
      await page.waitForSelector('#messages .author:has-text("hal")')
      await say(page, 'mine')
      await page.waitForSelector('#messages .tick.sent, #messages .tick.delivered')
      await page.mouse.move(600, 5)
      told.push(...(await faint(page)))
      await page.click('#about')
      await page.waitForSelector('#info .people')
      told.push(...(await faint(page)))
      await page.keyboard.press('Escape')
      await page.click('#settings')
      await page.waitForSelector('#info select')
      told.push(...(await faint(page)))
      expect(told).toEqual([])
      expect(await page.getByRole('heading', { level: 1, includeHidden: true }).count()).toBe(1)
      for (const other of others) await other.close()
      await desk.close()
    },
  )

  it.each([1200, 390])('says what went wrong over nothing, at a width of %i', async (width) => {
    const desk = await pages.browserOf(width)
    const page = await pages.open(desk, `ned-${width}`, 'olga')
    await say(page, ...Array.from({ length: 30 }, (_, n) => `line ${n}`))
    await say(page, 'so wide that it reaches the middle '.repeat(20))
    await page.waitForSelector('#messages .text:has-text("so wide")')
    await page.evaluate(() => Object.assign(navigator.clipboard, { writeText: () => Promise.reject() }))
    await page.locator('#messages .more').last().click()
    await page.click('#info button:has-text("Copy")')
    await page.waitForSelector('#notice:has-text("does not let the page copy")')
    const seen = ['#notice', '#messages .text', '#text', '#send', '#name', '#about']
    for (const selector of seen) expect([selector, await isInSight(page, selector)]).toEqual([selector, true])
    await desk.close()
  })

  it('finds chats by name and messages by their words, and opens a chat where the message stands', async () => {
    const desk = await pages.browserOf(1200)
    const ida = await pages.open(desk, 'ida')
    const url = `ws://127.0.0.1:${pages.port}`
    const [jon, kit] = [connect({ url, token: 'jon' }), connect({ url, token: 'kit' })]
    await jon.send('ida', 'The password is Xylophone')
    await Promise.all(Array.from({ length: 300 }, (_, n) => jon.send('ida', `line ${n}`)))
    await kit.send('ida', 'hi')
    await ida.waitForSelector('.chat:has-text("jon") .preview:has-text("line 299")')
    await ida.waitForSelector('.chat:has-text("kit")')
    await ida.fill('#peer', 'ki')
    await expect.poll(() => ida.locator('#chats .name').allTextContents()).toEqual(['kit'])
    await ida.fill('#peer', 'xylo')
    await ida.click('#found .chat:has-text("jon"):has-text("Xylophone")')
    await ida.waitForSelector('#messages .text:has-text("Xylophone")')
    await expect
      .poll(() =>
        ida.locator('#messages .text', { hasText: 'Xylophone' }).evaluate((line) => line.getBoundingClientRect().top),
      )
      .toBeLessThan(760)
    await expect.poll(() => ida.locator('#chats .name').allTextContents()).toEqual(['kit', 'jon'])
    for (const client of [jon, kit]) await client.close()
    await desk.close()
  })

  it('tells of what comes while it is out of sight, where the person has allowed it, and can be installed', async () => {
    const desk = await pages.browserOf(1200)
    await desk.grantPermissions(['notifications'], { origin: pages.origin })
    await desk.addInitScript(() => {
      const told: string[] = []
      const made = function (this: unknown, title: string, { body }: NotificationOptions) {
        told.push(`${title}: ${body}`)
      }
      Object.assign(globalThis, {
        told,
        Notification: Object.assign(made, { permission: 'granted', requestPermission: async () => 'granted' }),
      })
      Object.defineProperty(document, 'hidden', { get: () => document.body.dataset['away'] === 'yes' })
    })
    const lea = await pages.open(desk, 'lea')
    const max = connect({ url: `ws://127.0.0.1:${pages.port}`, token: 'max' })
    const told = () => lea.evaluate(() => (globalThis as unknown as { told: string[] }).told)
    const away = (is: string) => lea.evaluate((is) => document.body.setAttribute('data-away', is), is)
    await away('yes')
    await max.send('lea', 'nobody asked to be told')
    await lea.waitForSelector('.badge:has-text("1")')
    await away('no')
    await lea.click('#settings')
    await lea.getByLabel('Notify me on this browser').check()
    await lea.keyboard.press('Escape')
    await max.send('lea', 'seen as it comes')
    await lea.waitForSelector('.badge:has-text("2")')
    expect(await told()).toEqual([])
    await away('yes')
    await max.send('lea', 'are you there?')
    await expect.poll(told).toEqual(['max: are you there?'])
    await expect.poll(() => lea.title()).toBe('(3) Bluetick')
    const manifest = await (await fetch(`${pages.origin}/manifest.webmanifest`)).json()
    expect(manifest).toMatchObject({ name: 'Bluetick', display: 'standalone', start_url: '/' })
    for (const { src, type } of manifest.icons)
      expect((await fetch(`${pages.origin}/${src}`)).headers.get('content-type')).toBe(type)
    await max.close()
    await desk.close()
  })

  it('made no error on the way', () => {
    expect(pages.problems).toEqual([])
  })
})
