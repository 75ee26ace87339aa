/**
 * What a person goes through with encryption, once from the beginning to the end: two browsers and a program write texts, pictures and in a group;
 * the server is killed and started anew; a device comes, one is lost, and one person begins anew. STORY_PICTURES: a folder for pictures of each step.
 */
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { e2ee } from '../../src/client/e2ee/index.ts'
import type { E2ee } from '../../src/client/e2ee/types.ts'
import { type Client, connect } from '../../src/client/index.ts'
import { fileStorage } from '../../src/client/node.ts'
import { freePort } from '../ports.ts'
import { makeGroup, needsChromium, Pages, say, texts } from './pages.ts'

const pages = new Pages(await freePort(), ['--e2ee', 'allowed'])
const patient = { timeout: 120_000 }
const pictures = process.env['STORY_PICTURES']
let steps = 0
async function step(name: string, ...shown: Page[]): Promise<void> {
  steps += 1
  for (const [n, page] of pictures ? shown.entries() : [])
    await page.screenshot({ path: join(pictures as string, `${steps}-${name}-${n}.png`) })
}

/** A program of somebody, with its keys in a folder. */
class Program {
  readonly client: Client & { readonly e2ee: E2ee }
  readonly got: string[] = []
  readonly media: number[] = []

  constructor(user: string, device: string, folder: string) {
    const given = {
      url: `ws://127.0.0.1:${pages.port}`,
      token: user,
      device,
      storage: fileStorage(join(folder, device)),
    }
    this.client = connect({ ...given, e2ee: e2ee() }) as Program['client']
    void this.#read().catch(() => {})
  }

  async #read(): Promise<void> {
    for await (const { from, body, sealed, change, media } of this.client.messages()) {
      if (!change) this.got.push(`${from}${sealed ? '' : ', in plain text'}: ${body}`)
      if (media) this.media.push((await this.client.download(media.id)).size)
    }
  }
}

const says = (page: Page) => expect.poll(() => texts(page), patient)
const chat = (page: Page, name: string) => page.click(`.chat:has-text("${name}")`)
const lock = (page: Page, words: string) => page.waitForSelector(`#lock[title="${words}"]`)
const has = (program: Program, text: string) => expect.poll(() => program.got, patient).toContain(text)

async function turnOn(page: Page): Promise<void> {
  await page.click('#keys button:has-text("Turn on encryption")')
  await page.waitForSelector('#keys', { state: 'hidden' })
}
const picture = (page: Page) =>
  page.evaluate(async () => {
    const canvas = new OffscreenCanvas(320, 180)
    const context = canvas.getContext('2d')
    for (let x = 0; x < 320; x += 2) {
      if (context) context.fillStyle = `hsl(${Math.random() * 360} 80% 50%)`
      context?.fillRect(x, 0, 2, 180)
    }
    return [...new Uint8Array(await (await canvas.convertToBlob({ type: 'image/png' })).arrayBuffer())]
  })
const seen = (page: Page) =>
  expect
    .poll(
      () =>
        page
          .locator('#messages img:not(.loading)')
          .last()
          .evaluate((one) => (one as HTMLImageElement).naturalWidth),
      patient,
    )
    .toBe(320)

describe('the chat page with encryption', needsChromium, () => {
  beforeAll(() => pages.start())
  afterAll(() => pages.end())

  it('carries two people in browsers and one with a program through everything', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'bluetick-story-'))
    const [desk, phone, tablet] = [await pages.browserOf(1200), await pages.browserOf(390), await pages.browserOf(390)]
    const [ann, ben] = [await pages.open(desk, 'ann', 'ben'), await pages.open(phone, 'ben', 'ann')]
    const cy = new Program('cy', 'server', folder)
    await step('before', ann, ben)
    for (const page of [ann, ben]) await turnOn(page)
    expect(await cy.client.e2ee.place()).toBe('linked')

    await say(ann, 'canary one')
    await says(ben).toEqual(['canary one'])
    await say(ben, 'canary two')
    await says(ann).toEqual(['canary one', 'canary two'])
    const bytes = Buffer.from(await picture(ann))
    await ann.setInputFiles('#files', { name: 'field.png', mimeType: 'image/png', buffer: bytes })
    await ann.click('#info .primary')
    await seen(ben)
    await lock(ann, 'Encrypted')
    await step('texts and a picture', ann, ben)

    await makeGroup(ann, 'Team', 'ben, cy')
    await ann.waitForSelector('#name:has-text("Team")')
    await say(ann, 'canary for the team')
    await ann.setInputFiles('#files', { name: 'field.png', mimeType: 'image/png', buffer: bytes })
    await ann.click('#info .primary')
    await expect.poll(() => cy.media, patient).toEqual([bytes.length])
    await ben.click('#back')
    await chat(ben, 'Team')
    await says(ben).toContain('canary for the team')
    await has(cy, 'ann: canary for the team')
    const team = (await cy.client.chats()).find(({ id }) => id.startsWith('#sealed-'))?.id ?? expect.fail('no group')
    const medium = await cy.client.upload(new Blob([bytes]))
    await cy.client.send(team, 'a picture by a program', { media: medium })
    for (const page of [ann, ben]) await seen(page)
    await step('a group', ann, ben)

    await pages.stop('SIGKILL')
    await say(ben, 'said while the server was dead')
    const queued = await cy.client.queue(team, 'queued by a program')
    await step('the server is dead', ann, ben)
    await pages.serve()
    cy.client.retryNow()
    for (const page of [ann, ben])
      await page
        .locator('#banner-action')
        .click({ timeout: 500 })
        .catch(() => undefined)
    await says(ann).toEqual(expect.arrayContaining(['said while the server was dead', 'queued by a program']))
    await says(ben).toContain('queued by a program')
    await cy.client.reached(queued.id, 'sent')
    await has(cy, 'ben: said while the server was dead')
    await step('the server is back', ann, ben)

    const ann2 = await pages.open(tablet, 'ann')
    await ann2.click('#keys button:has-text("Link this browser")')
    await step('a new browser shows its code', ann2)
    const code = await ann2.inputValue('#link-code')
    await ann.click('#settings')
    await ann.click('#info button:has-text("Link a device")')
    await ann.fill('#info textarea', code)
    await ann.click('#info button:has-text("Link it")')
    await ann2.waitForSelector('#keys', { state: 'hidden' })
    const laptop = new Program('cy', 'laptop', folder)
    await cy.client.e2ee.approve(await laptop.client.e2ee.code())
    await expect.poll(() => laptop.client.e2ee.place(), patient).toBe('linked')
    await say(ben, 'for all devices')
    await chat(ann2, 'Team')
    await says(ann2).toContain('for all devices')
    await has(laptop, 'ben: for all devices')
    await ann2.waitForSelector('#messages .several:has-text("messages cannot be read in this browser")')
    await step('a new device', ann, ann2)

    await ann.click('#settings')
    await ann.click('#info button[aria-label^="Remove"]')
    await ann.click('#info .primary.danger')
    await ann2.waitForSelector('#enter:not([hidden])')
    await step('a lost device', ann, ann2)
    await ann.keyboard.press('Escape')
    await cy.client.e2ee.remove('laptop')
    await expect.poll(() => laptop.client.connection.is, patient).toBe('closed')
    await say(ben, 'after the loss')
    await says(ann).toContain('after the loss')
    await has(cy, 'ben: after the loss')
    expect(laptop.got.join()).not.toContain('after the loss')

    await phone.close()
    const phone2 = await pages.browserOf(390)
    const ben2 = await pages.open(phone2, 'ben')
    await ben2.click('#keys button:has-text("Link this browser")')
    await ben2.click('#info button:has-text("none of my linked devices")')
    await step('ben begins anew', ben2)
    await ben2.click('#info .primary.danger')
    await ben2.waitForSelector('#keys', { state: 'hidden' })
    await say(ann, 'who is ben now?')
    await lock(ann, 'Encrypted, but not for ben')
    await ann.waitForSelector('#held-text:has-text("ben can read nothing of what you write here")')
    await ann.click('#held-compare')
    await ann.waitForSelector('#info h3:has-text("Security number with ben")')
    await ann.keyboard.press('Escape')
    await step('the group goes on without him', ann)
    await chat(ann, 'ben')
    await say(ann, 'are you there?')
    await ann.waitForSelector('#held:not([hidden])')
    await step('a message waits', ann)
    await ann.click('#held-accept')
    await ann.click('#info .primary.danger')
    await ann.waitForSelector('#held', { state: 'hidden' })
    await ben2.click('.chat:has-text("ann")')
    await says(ben2).toContain('are you there?')
    await cy.client.e2ee.accept('ben', await cy.client.e2ee.identity('ben'))
    await cy.client.send(team, 'welcome back')
    await ben2.click('#back')
    await chat(ben2, 'Team')
    await says(ben2).toContain('welcome back')
    expect(await texts(ben2)).not.toContain('who is ben now?')
    await say(ben2, 'here I am')
    await has(cy, 'ben: here I am')
    await chat(ann, 'Team')
    await lock(ann, 'Encrypted')
    expect(await ann.isVisible('#held')).toBe(false)
    await step('ben is back', ann, ben2)

    await pages.stop('SIGKILL')
    const kept = readdirSync(pages.data, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name)))
    for (const hidden of [
      'canary',
      'while the server was dead',
      'after the loss',
      'here I am',
      bytes.subarray(500, 600),
    ])
      expect(kept.some((file) => file.includes(hidden))).toBe(false)
    expect(cy.got.filter((text) => text.includes('in plain text'))).toEqual([])
    expect(pages.problems).toEqual([])
    for (const program of [cy, laptop]) await program.client.close()
  }, 240_000)
})
