/** The page for operators in Chromium, at a node with its token. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connect } from '../../src/client/index.ts'
import { freePort } from '../ports.ts'
import { faint, needsChromium, Pages } from './pages.ts'

const pages = new Pages(await freePort())
const url = `ws://127.0.0.1:${pages.port}`

const tokenOf = () => readFileSync(join(pages.data, 'operator-token'), 'utf8').trim()

async function look(context: BrowserContext): Promise<Page> {
  const page = await context.newPage()
  page.on('pageerror', (error) => pages.problems.push(error.message))
  await page.goto(`${pages.origin}/admin`)
  return page
}

async function enter(context: BrowserContext): Promise<Page> {
  const page = await look(context)
  await page.fill('#token', tokenOf())
  await page.press('#token', 'Enter')
  await page.waitForSelector('#now dd')
  return page
}

const fact = (page: Page, name: string) => page.locator(`dt:text-is("${name}") + dd`).textContent()

describe('the page for operators', needsChromium, () => {
  beforeAll(() => pages.start())
  afterAll(() => pages.end())

  it('shows nothing until the token is right', async () => {
    const desk = await pages.browserOf(1200)
    const page = await look(desk)
    await page.waitForSelector('#enter')
    expect(await page.isVisible('#node')).toBe(false)
    await page.fill('#token', 'wrong')
    await page.press('#token', 'Enter')
    await page.waitForSelector('#wrong:has-text("Only operators may")')
    await page.fill('#token', tokenOf())
    await page.press('#token', 'Enter')
    await page.waitForSelector('#state:has-text("ready")')
    await page.reload()
    await page.waitForSelector('#state:has-text("ready")')
    await page.click('#leave')
    await page.waitForSelector('#enter')
    await desk.close()
  })

  it('shows what clients do, ends the sessions of a user, bans them and lets them in again, after a question', async () => {
    const desk = await pages.browserOf(1200)
    const page = await enter(desk)
    const [ann, ben] = ['ann', 'ben'].map((token) => connect({ url, token, device: 'phone' }))
    if (!ann || !ben) throw new Error('both are there')
    for (let n = 0; n < 20; n++) await ann.send('ben', `no ${n}`)
    await expect.poll(() => fact(page, 'Messages in all')).toBe('20')
    await expect.poll(() => fact(page, 'Connections')).toBe('2')
    expect(await page.locator('.plot canvas').count()).toBe(6)
    await page.click('#online button:text-is("ben")')
    await page.waitForSelector('#found-user h3:has-text("ben")')
    expect([await fact(page, 'Entries of the inbox'), await fact(page, 'On no device yet')]).toEqual(['20', '20'])
    expect(await fact(page, 'Last seen')).toBe('now')
    expect(await page.textContent('#found-user li')).toContain('phoneconnected from 127.0.0.1')
    const left = new Promise((resolve) => ben.on('connection', ({ is }) => is === 'waiting' && resolve(is)))
    await page.click('text=End their sessions')
    await left
    await expect.poll(() => ben.connection.is).toBe('online')
    await page.click('text=Ban them')
    await page.click('#ask-no')
    expect(ben.connection.is).toBe('online')
    await page.click('text=Ban them')
    await page.click('#ask-yes')
    await expect.poll(() => ben.connection).toEqual({ is: 'closed', code: 'banned' })
    await page.waitForSelector('#bans button:text-is("ben")')
    await page.click('text=Let them in again')
    await page.waitForSelector('#bans-title', { state: 'hidden' })
    await ann.close()
    await ben.close()
    await page.fill('#user', 'nobody')
    await page.press('#user', 'Enter')
    await page.waitForSelector('#found-user:has-text("Nothing is known of nobody")')
    await desk.close()
  })

  it('shows what became of a message, and deletes it for everybody', async () => {
    const phone = await pages.browserOf(390)
    const page = await enter(phone)
    const [cat, dan] = ['cat', 'dan'].map((token) => connect({ url, token }))
    if (!cat || !dan) throw new Error('both are there')
    const { id } = await cat.send('dan', 'a slip')
    await page.fill('#message', id)
    await page.press('#message', 'Enter')
    await page.waitForSelector('#found-message li:has-text("durable in the inbox of dan")')
    await page.click('text=Delete for everybody')
    await page.click('#ask-yes')
    await page.waitForSelector('#found-message li:has-text("has deleted it")')
    await cat.close()
    await dan.close()
    await phone.close()
  })

  it('erases what is kept of a user, after a question', async () => {
    const desk = await pages.browserOf(1200)
    const page = await enter(desk)
    const [eva, fay] = ['eva', 'fay'].map((token) => connect({ url, token }))
    if (!eva || !fay) throw new Error('both are there')
    await eva.send('fay', 'a secret')
    await page.fill('#user', 'fay')
    await page.press('#user', 'Enter')
    await page.click('text=Erase them')
    await page.waitForSelector('#ask-title:has-text("Erase fay?")')
    await page.click('#ask-yes')
    await expect.poll(() => fay.connection).toEqual({ is: 'closed', code: 'banned' })
    await page.waitForSelector('#found-user h3:has-text("fay (banned)")')
    await expect.poll(() => page.locator('#found-user li').count()).toBe(0)
    await eva.close()
    await desk.close()
  })

  it('says why something was not done, and asks anew', async () => {
    const desk = await pages.browserOf(1200)
    const page = await enter(desk)
    const gil = connect({ url, token: 'gil' })
    await expect.poll(() => gil.connection.is).toBe('online')
    await page.fill('#user', 'gil')
    await page.press('#user', 'Enter')
    const text = 'It is not done; try again: the disk is full'
    await page.route('**/admin/v1/users/gil', (route) =>
      route.request().method() === 'DELETE' ? route.fulfill({ status: 503, json: { text } }) : route.continue(),
    )
    for (let n = 0; n < 2; n++) {
      await page.click('text=Erase them')
      await page.click('#ask-yes')
      await page.waitForSelector(`#found-user [role=alert]:has-text("${text}")`)
    }
    expect(await page.locator('#found-user [role=alert]').count()).toBe(1)
    await page.click('text=Erase them')
    await page.keyboard.press('Escape')
    await page.waitForSelector('#ask', { state: 'hidden' })
    expect(gil.connection.is).toBe('online')
    await gil.close()
    await desk.close()
  })

  it('shows the supervision of actors, and the cluster and its links where there is one', async () => {
    for (const width of [1200, 390]) {
      const context = await pages.browserOf(width)
      const page = await enter(context)
      expect(await fact(page, 'Actors that crashed')).toBe('0')
      expect(await page.isVisible('#cluster')).toBe(false)
      await page.route('**/metrics', async (route) => {
        const response = await route.fetch()
        await route.fulfill({ response, body: `${await response.text()}bluetick_cluster_nodes 3\n` })
      })
      const node = { life: 1, state: 'up', link: '10.0.0.1:7070', shards: 341, isLinked: true, waiting: 0 }
      const nodes = [
        { ...node, name: 'n1' },
        { ...node, name: 'n2', link: '10.0.0.2:7070', waiting: 2048 },
        { ...node, name: 'n3', link: '10.0.0.3:7070', state: 'leaving', isLinked: false },
      ]
      const known = { name: 'n1', standing: 'up', shards: [1, 2, 3], moving: 1, sessions: 7, nodes }
      await page.route('**/admin/v1/cluster', (route) => route.fulfill({ json: known }))
      await page.waitForSelector('#cluster-nodes li')
      expect([await fact(page, 'Shards that move'), await fact(page, 'Sessions of other nodes')]).toEqual(['1', '7'])
      expect(await page.locator('#cluster-nodes li').allTextContents()).toEqual([
        'n1up, 341 shards, this node',
        'n2up, 341 shards, linked by 10.0.0.2:7070, 2 KB wait',
        'n3leaving, 341 shards, no link to 10.0.0.3:7070',
      ])
      expect(await faint(page)).toEqual([])
      expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0)
      await context.close()
    }
  })

  it('says so when the node does not answer, and goes on when it does', async () => {
    const desk = await pages.browserOf(1200)
    const page = await enter(desk)
    await pages.stop()
    await page.waitForSelector('#state.bad:has-text("does not answer")')
    await pages.serve()
    // A new start has a new token.
    await page.waitForSelector('#enter:has-text("not right any more")')
    await page.fill('#token', tokenOf())
    await page.press('#token', 'Enter')
    await page.waitForSelector('#state:has-text("ready")')
    await desk.close()
  })

  it.each([
    ['light', 1200],
    ['dark', 390],
  ] as const)('can be read in %s, at a width of %d, and nothing is wider than the screen', async (mode, width) => {
    const context = await pages.browserOf(width)
    const page = await look(context)
    await page.emulateMedia({ colorScheme: mode })
    await page.waitForSelector('#enter')
    expect(await faint(page)).toEqual([])
    await page.fill('#token', tokenOf())
    await page.press('#token', 'Enter')
    await page.waitForSelector('.plot canvas')
    await page.fill('#user', 'cat')
    await page.press('#user', 'Enter')
    await page.waitForSelector('#found-user h3')
    expect(await faint(page)).toEqual([])
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0)
    expect(await page.getByRole('heading', { level: 1 }).count()).toBe(1)
    await context.close()
  })

  it('went without an error of its own', () => {
    expect(pages.problems).toEqual([])
  })
})
