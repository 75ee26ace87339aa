/** The chat page in Chromium: chats are muted, pinned and archived, in all browsers of a person at once. */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connect } from '../../src/client/index.ts'
import { freePort } from '../ports.ts'
import { needsChromium, Pages } from './pages.ts'

const pages = new Pages(await freePort())
const writer = (token: string) => connect({ url: `ws://127.0.0.1:${pages.port}`, token })

const names = (page: Page, list = '#chats') => page.locator(`${list} .name`).allTextContents()
const chat = (page: Page, name: string) => page.locator('#lists .chat', { hasText: name })
/** What stands beside a chat, for who cannot see it. */
const signs = (page: Page, name: string) =>
  chat(page, name)
    .locator('.sign')
    .evaluateAll((signs) => signs.map((sign) => sign.getAttribute('aria-label')))
const agree = async (all: readonly Page[], list: string, ...wanted: string[]) => {
  for (const page of all) await expect.poll(() => names(page, list)).toEqual(wanted)
}

describe('the chat page', needsChromium, () => {
  beforeAll(() => pages.start())
  afterAll(() => pages.end())

  it('pins, mutes and archives chats, by mouse and by keyboard, and another browser of the person follows at once', async () => {
    const [desk, phone] = [await pages.browserOf(1280), await pages.browserOf(390)]
    const [pam, hand] = [await pages.open(desk, 'pam'), await pages.open(phone, 'pam')]
    const both = [pam, hand]
    const [ann, ben, cat] = [writer('ann'), writer('ben'), writer('cat')]
    for (const client of [ann, ben, cat]) await client.send('pam', 'hello')
    await agree(both, '#chats', 'cat', 'ben', 'ann')
    await expect.poll(() => pam.title()).toBe('(3) Bluetick')

    await chat(pam, 'ann').click({ button: 'right' })
    await pam.getByRole('button', { name: 'Pin to the top' }).click()
    await agree(both, '#chats', 'ann', 'cat', 'ben')
    expect(await signs(hand, 'ann')).toEqual(['pinned'])

    await chat(pam, 'ben').focus()
    await pam.keyboard.press('Shift+F10')
    await pam.getByLabel('Mute notifications').selectOption('Always')
    for (const page of both) await expect.poll(() => signs(page, 'ben')).toEqual(['muted'])
    await pam.keyboard.press('Escape')
    for (const page of both) await expect.poll(() => page.title()).toBe('(2) Bluetick')
    expect(await chat(hand, 'ben').locator('.badge.calm').textContent()).toBe('1 unread message')

    await chat(hand, 'cat').click()
    await hand.click('#details')
    await hand.getByRole('button', { name: 'Archive', exact: true }).click()
    expect(await hand.evaluate(() => document.body.dataset['view'])).toBe('list')
    await agree(both, '#chats', 'ann', 'ben')
    await agree(both, '#archived-chats', 'cat')
    await cat.send('pam', 'and another thing')
    await agree(both, '#chats', 'ann', 'cat', 'ben')
    for (const page of both) await expect.poll(() => page.locator('#archived').isVisible()).toBe(false)

    await chat(pam, 'ben').click({ button: 'right' })
    await pam.getByRole('button', { name: 'Archive', exact: true }).click()
    await agree(both, '#archived-chats', 'ben')
    await ben.send('pam', 'are you there?')
    await expect.poll(() => pam.locator('#archived-unread').textContent()).toBe('1 with unread messages')
    await agree(both, '#archived-chats', 'ben')
    expect(await pam.title()).toBe('(2) Bluetick')
    expect(await chat(pam, 'ben').isVisible()).toBe(false)
    await pam.getByText('Archived', { exact: false }).first().press('Enter')
    await chat(pam, 'ben').focus()
    await pam.keyboard.press('Shift+F10')
    await pam.getByRole('button', { name: 'Unarchive' }).click()
    await agree(both, '#chats', 'ann', 'ben', 'cat')

    await chat(hand, 'ann').click()
    await hand.click('#details')
    await hand.getByRole('button', { name: 'Unpin' }).click()
    await agree(both, '#chats', 'ben', 'cat', 'ann')
    await pam.reload()
    await agree(both, '#chats', 'ben', 'cat', 'ann')
    expect(await signs(pam, 'ben')).toEqual(['muted'])
    await pam.fill('#peer', 'be')
    await agree([pam], '#chats', 'ben')
    for (const client of [ann, ben, cat]) await client.close()
    for (const context of [desk, phone]) await context.close()
  })

  it('shows what is chosen while offline at once, also after a reload, and another browser when it is sent', async () => {
    const [desk, phone] = [await pages.browserOf(1280), await pages.browserOf(390)]
    const [una, hand] = [await pages.open(desk, 'una'), await pages.open(phone, 'una')]
    const [ann, ben] = [writer('ann'), writer('ben')]
    for (const client of [ann, ben]) await client.send('una', 'hello')
    await agree([una, hand], '#chats', 'ben', 'ann')
    for (const client of [ann, ben]) await client.close()
    await una.evaluate(() => navigator.serviceWorker.ready)
    await pages.stop()
    await chat(una, 'ann').click({ button: 'right' })
    await una.getByRole('button', { name: 'Pin to the top' }).click()
    await agree([una], '#chats', 'ann', 'ben')
    await una.reload()
    await agree([una], '#chats', 'ann', 'ben')
    expect(await names(hand)).toEqual(['ben', 'ann'])
    await pages.serve()
    await agree([una, hand], '#chats', 'ann', 'ben')
    for (const context of [desk, phone]) await context.close()
  })

  it('does not tell of what comes in a muted chat, says until when it is, and forgets no mute when the chat is deleted', async () => {
    const desk = await pages.browserOf(1280)
    await desk.addInitScript(() => {
      const told: string[] = []
      const made = function (this: unknown, title: string, { body }: NotificationOptions) {
        told.push(`${title}: ${body}`)
      }
      localStorage.setItem('notifications', 'on')
      Object.assign(globalThis, { told, Notification: Object.assign(made, { permission: 'granted' }) })
      Object.defineProperty(document, 'hidden', { get: () => true })
    })
    const rob = await pages.open(desk, 'rob')
    const told = () => rob.evaluate(() => (globalThis as unknown as { told: string[] }).told)
    const [sue, tom] = [writer('sue'), writer('tom')]
    await sue.send('rob', 'one')
    await tom.send('rob', 'two')
    await expect.poll(told).toEqual(['sue: one', 'tom: two'])
    await chat(rob, 'sue').click({ button: 'right' })
    await rob.getByLabel('Mute notifications').selectOption('For 1 week')
    await expect.poll(() => signs(rob, 'sue')).toEqual(['muted'])
    await rob.keyboard.press('Escape')
    await chat(rob, 'sue').click({ button: 'right' })
    const shown = rob.getByLabel('Mute notifications').locator('option:checked')
    expect(await shown.textContent()).toMatch(/^Until \w{3},? \d+ \w{3,4}, \d\d:\d\d$/)
    await rob.keyboard.press('Escape')
    await sue.send('rob', 'three')
    await tom.send('rob', 'four')
    await expect.poll(told).toEqual(['sue: one', 'tom: two', 'tom: four'])
    await chat(rob, 'sue').click()
    await rob.click('#details')
    await rob.getByRole('button', { name: 'Delete chat' }).click()
    await rob.click('#info .primary')
    await expect.poll(() => names(rob)).toEqual(['tom'])
    await sue.send('rob', 'five')
    await expect.poll(() => names(rob)).toEqual(['sue', 'tom'])
    await expect.poll(() => signs(rob, 'sue')).toEqual(['muted'])
    await tom.send('rob', 'six')
    await expect.poll(told).toEqual(['sue: one', 'tom: two', 'tom: four', 'tom: six'])
    for (const client of [sue, tom]) await client.close()
    await desk.close()
  })

  it('made no error on the way', () => {
    expect(pages.problems).toEqual([])
  })
})
