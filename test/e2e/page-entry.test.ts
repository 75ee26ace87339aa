/** The chat page in Chromium: who comes in, what is shown before, and what is left when they go. The node asks for tokens. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connect } from '../../src/client/index.ts'
import { freePort } from '../ports.ts'
import { needsChromium, Pages, say, texts } from './pages.ts'

const secret = 'a secret of the test, which has to be long enough'
const file = join(mkdtempSync(join(tmpdir(), 'bluetick-entry-')), 'secret')
writeFileSync(file, secret)
const pages = new Pages(await freePort(), ['--secret-file', file])

const tokenFor = (user: string) =>
  new SignJWT({ sub: user })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode(secret))

async function type(context: BrowserContext, name: string, token = ''): Promise<Page> {
  const page = await context.newPage()
  await page.goto(pages.origin)
  await page.fill('#me', name)
  if (token) {
    await page.click('summary')
    await page.fill('#token', token)
  }
  await page.press('#me', 'Enter')
  return page
}

async function signedIn(context: BrowserContext, name: string): Promise<Page> {
  const page = await type(context, name, await tokenFor(name))
  await page.waitForSelector('#side')
  return page
}

/** What this browser keeps, by name. */
const kept = (page: Page) =>
  page.evaluate(async () => [...(await indexedDB.databases()).map(({ name }) => name), ...Object.keys(localStorage)])

describe('the chat page', needsChromium, () => {
  beforeAll(() => pages.start())
  afterAll(() => pages.end())

  it('shows nothing before the server has let somebody in, and leaves nothing when they sign out', async () => {
    const desk = await pages.browserOf(1200)
    const alice = await signedIn(desk, 'alice')
    await alice.fill('#peer', 'bob')
    await alice.press('#peer', 'Enter')
    await say(alice, 'a secret of alice')
    await alice.waitForSelector('#messages .tick.sent')
    const other = await type(desk, 'alice')
    await other.waitForSelector('#said:has-text("valid token")')
    expect(await other.locator('body').textContent()).not.toContain('a secret of alice')
    expect(await other.inputValue('#me')).toBe('alice')
    // She has not signed out: this browser knows her.
    await other.click('#known >> text=alice')
    await other.waitForSelector('.chat .preview:has-text("a secret of alice")')
    const client = connect({ url: `ws://127.0.0.1:${pages.port}`, token: await tokenFor('alice'), device: 'sdk' })
    expect(await client.devices()).toHaveLength(2)
    await other.click('#leave')
    await other.click('text=Cancel')
    await other.click('#leave')
    // The token that this browser had is worth nothing any more.
    await other.waitForSelector('#info:has-text("you need a new token")')
    await other.waitForSelector('#info:has-text("stay on your other devices")')
    await other.click('#info .primary')
    await other.waitForSelector('#me')
    expect(await kept(other)).toEqual([])
    expect(await other.locator('#known li').count()).toBe(0)
    expect((await client.devices()).map(({ device }) => device)).toEqual(['sdk'])
    await client.close()
    await desk.close()
  })

  it('without a server shows the chats of who was let in before, and nobody else’s; what waits is not lost unasked', async () => {
    const desk = await pages.browserOf(1200)
    const carol = await signedIn(desk, 'carol')
    await carol.fill('#peer', 'dave')
    await carol.press('#peer', 'Enter')
    await say(carol, 'before')
    await carol.waitForSelector('#messages .tick.sent')
    await carol.evaluate(() => navigator.serviceWorker.ready)
    await pages.stop()
    await carol.reload()
    await expect.poll(() => texts(carol)).toEqual(['before'])
    await say(carol, 'waits')
    await carol.waitForSelector('#messages .tick.queued')
    const other = await type(desk, 'carol')
    await other.waitForSelector('#gate-text:has-text("cannot be reached")')
    expect(await other.locator('#side').isVisible()).toBe(false)
    await other.close()
    await carol.reload()
    await carol.click('#leave')
    await carol.waitForSelector('#info:has-text("1 message has not been sent yet and will be lost")')
    await carol.click('text=Cancel')
    await pages.serve()
    await carol.waitForSelector('#messages .tick.queued', { state: 'detached' })
    await desk.close()
  })

  it('leaves nothing in a browser that was removed from the devices', async () => {
    const [desk, phone] = [await pages.browserOf(1200), await pages.browserOf(390)]
    const [here, there] = [await signedIn(desk, 'erin'), await signedIn(phone, 'erin')]
    await here.click('#settings')
    await here.locator('#info').getByLabel('Remove Chrome on Linux').click()
    await here.click('#info .primary')
    await there.waitForSelector('#said:has-text("removed from your devices")')
    expect(await kept(there)).toEqual([])
    await desk.close()
    await phone.close()
  })

  it('made no error on the way', () => {
    expect(pages.problems).toEqual([])
  })
})
