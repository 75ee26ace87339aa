/** The chat page in a real Chromium, as people use it: two of them, a tab that is closed, and a server that stops. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connect } from '../../src/client/index.ts'
import { freePort } from '../ports.ts'
import { dropVideo, leaveGroup, makeGroup, needsChromium, Pages, removeMember, say, texts, ticks } from './pages.ts'

const pages = new Pages(await freePort())
const { origin, port } = pages
const browserOf = pages.browserOf.bind(pages)
const open = pages.open.bind(pages)

describe('the chat page', needsChromium, () => {
  beforeAll(() => pages.start())
  afterAll(() => pages.end())

  it('lets somebody in without an error in the console of the browser', async () => {
    const desk = await browserOf(1200)
    const ivo = await desk.newPage()
    const errors: string[] = []
    ivo.on('console', (said) => said.type() === 'error' && errors.push(`${said.text()} ${said.location().url}`))
    await ivo.goto(`${origin}/#me=ivo`)
    await ivo.waitForSelector('#banner', { state: 'hidden' })
    await ivo.waitForSelector('#app:not([hidden])')
    expect(errors).toEqual([])
    await desk.close()
  })

  it('lets two people chat: a new chat appears by itself, unread, and ticks turn as it is delivered and read', async () => {
    const [desk, phone] = [await browserOf(1200), await browserOf(390)]
    const alice = await desk.newPage()
    await alice.goto(origin)
    await alice.fill('#me', 'alice')
    await alice.press('#me', 'Enter')
    const bob = await open(phone, 'bob')
    await bob.waitForSelector('#empty')
    await alice.fill('#peer', 'bob')
    await alice.press('#peer', 'Enter')
    await alice.waitForSelector('#presence.online')
    await say(alice, 'Hi Bob')
    await bob.waitForSelector('.chat:has-text("alice") .badge:has-text("1")')
    await expect.poll(() => bob.title()).toBe('(1) Bluetick')
    await alice.waitForSelector('#messages .tick.delivered')
    await bob.click('.chat')
    await alice.waitForSelector('#messages .tick.read')
    await expect.poll(() => bob.locator('.badge').count()).toBe(0)
    await expect.poll(() => bob.title()).toBe('alice · Bluetick')
    await bob.fill('#text', 'Hm')
    await alice.waitForSelector('#presence:has-text("typing…")')
    await bob.fill('#text', '')
    await alice.waitForSelector('#presence:has-text("online")')
    await say(bob, '<img src=x onerror=alert(1)>', 'two\nlines', 'see https://example.org/a?b=c.')
    await expect
      .poll(() => texts(alice))
      .toEqual(['Hi Bob', '<img src=x onerror=alert(1)>', 'two\nlines', 'see https://example.org/a?b=c.'])
    expect(await alice.locator('#messages img').count()).toBe(0)
    expect(await alice.locator('#messages a').getAttribute('href')).toBe('https://example.org/a?b=c')
    await expect.poll(() => ticks(bob)).toEqual(['read', 'read', 'read'])
    await expect.poll(() => alice.locator('.chat .preview').textContent()).toContain('see https')
    await desk.close()
    await phone.close()
  })

  it('says at once that a name cannot be, and in words that a text is too long, which stays to be cut', async () => {
    const page = await (await browserOf(390)).newPage()
    await page.goto(origin)
    await page.fill('#me', '#team')
    await page.press('#me', 'Enter')
    expect(await page.locator('#me').evaluate((me) => (me as HTMLInputElement).validationMessage)).toMatch(
      /cannot be used/,
    )
    await page.fill('#me', 'vera')
    await page.press('#me', 'Enter')
    await page.fill('#peer', 'bob')
    await page.press('#peer', 'Enter')
    const long = 'x'.repeat(40_000)
    await say(page, long)
    await page.waitForSelector('#notice:has-text("Not sent: it is too long")')
    await expect.poll(() => page.inputValue('#text')).toBe(long)
    await page.context().close()
  })

  it('keeps what came while a tab was closed: in order, once, and the ticks turn', async () => {
    const [desk, phone] = [await browserOf(1200), await browserOf(390)]
    const alice = await open(desk, 'ann', 'ben')
    let bob = await open(phone, 'ben', 'ann')
    await say(alice, 'before')
    await alice.waitForSelector('#messages .tick.read')
    await bob.close()
    await alice.waitForSelector('#presence:has-text("last seen today at")')
    await say(alice, 'one', 'two', 'three')
    await expect.poll(() => ticks(alice)).toEqual(['read', 'sent', 'sent', 'sent'])
    bob = await open(phone, 'ben')
    await bob.waitForSelector('.badge:has-text("3")')
    await expect.poll(() => ticks(alice)).toEqual(['read', 'delivered', 'delivered', 'delivered'])
    await bob.reload()
    await bob.waitForSelector('.badge:has-text("3")')
    await bob.click('.chat')
    await bob.waitForSelector('.divider:has-text("3 unread messages")')
    expect(await texts(bob)).toEqual(['before', 'one', 'two', 'three'])
    await expect.poll(() => ticks(alice)).toEqual(['read', 'read', 'read', 'read'])
    await alice.waitForSelector('#presence.online')
    await bob.reload()
    await expect.poll(() => texts(bob)).toEqual(['before', 'one', 'two', 'three'])
    await desk.close()
    await phone.close()
  })

  it('keeps what is written while the server is away, also across a reload, and sends it when the server is back', async () => {
    const [desk, phone] = [await browserOf(1200), await browserOf(390)]
    const alice = await open(desk, 'cora', 'dan')
    const bob = await open(phone, 'dan', 'cora')
    await say(alice, 'before')
    await alice.waitForSelector('#messages .tick.read')
    await alice.evaluate(() => navigator.serviceWorker.ready)
    await pages.stop()
    await alice.waitForSelector('#banner:has-text("No connection")')
    await expect.poll(() => alice.locator('#presence').textContent()).toBe('')
    await say(alice, 'while away', 'and more')
    await expect.poll(() => ticks(alice)).toEqual(['read', 'waiting to be sent', 'waiting to be sent'])
    await alice.reload()
    await expect.poll(() => texts(alice)).toEqual(['before', 'while away', 'and more'])
    await expect.poll(() => ticks(alice)).toEqual(['read', 'waiting to be sent', 'waiting to be sent'])
    const seconds = new Set<number>()
    await expect
      .poll(
        async () => {
          const words = (await alice.locator('#banner-aside').textContent()) ?? ''
          const shown = /^Next try in (\d+) s$/.exec(words)?.[1]
          if (shown) seconds.add(Number(shown))
          return seconds.size
        },
        { interval: 100 },
      )
      .toBeGreaterThan(2)
    await pages.serve()
    await alice.waitForSelector('#banner', { state: 'hidden' })
    await bob
      .locator('#banner-action')
      .click({ timeout: 1_000 })
      .catch(() => undefined)
    await expect.poll(() => texts(bob)).toEqual(['before', 'while away', 'and more'])
    await expect.poll(() => ticks(alice)).toEqual(['read', 'read', 'read'])
    await desk.close()
    await phone.close()
  })

  it('sends pictures and files, with how far they are, and shows them', async () => {
    const [desk, phone] = [await browserOf(1200), await browserOf(390)]
    const alice = await open(desk, 'nan', 'oli')
    const bob = await open(phone, 'oli')
    // A real picture, drawn by the browser itself.
    const png = await alice.evaluate(async () => {
      const canvas = new OffscreenCanvas(640, 360)
      const context = canvas.getContext('2d')
      for (let x = 0; x < 640; x += 8) {
        if (context) context.fillStyle = `hsl(${x / 2} 80% 50%)`
        context?.fillRect(x, 0, 8, 360)
      }
      return [...new Uint8Array(await (await canvas.convertToBlob({ type: 'image/png' })).arrayBuffer())]
    })
    await alice.waitForSelector('#banner', { state: 'hidden' })
    await alice.setInputFiles('#files', { name: 'sunset.png', mimeType: 'image/png', buffer: Buffer.from(png) })
    await alice.click('#info .primary')
    await alice.waitForSelector('#messages .tick.delivered')
    await bob.waitForSelector('.chat .preview:has-text("Photo")')
    await bob.click('.chat')
    const picture = bob.locator('#messages img:not(.loading)')
    await expect.poll(() => picture.evaluate((image) => (image as HTMLImageElement).naturalWidth)).toBe(640)
    expect(await bob.locator('#scroll').evaluate((list) => list.scrollWidth <= list.clientWidth)).toBe(true)
    await picture.click()
    await bob.waitForSelector('#viewer[open] img')
    await bob.keyboard.press('Escape')
    await bob.waitForSelector('#viewer', { state: 'hidden' })
    expect(await bob.locator('#text').isVisible()).toBe(true)

    await bob.setInputFiles('#files', {
      name: 'notes.html',
      mimeType: 'text/html',
      buffer: Buffer.from('<script>1</script>'),
    })
    await bob.click('#info .primary')
    const file = alice.locator('.media.file:has-text("notes.html")')
    await file.waitFor()
    const [saved] = await Promise.all([alice.waitForEvent('download'), file.click()])
    expect(saved.suggestedFilename()).toBe('notes.html')
    expect(await alice.title()).toBe('oli · Bluetick')
    await bob.reload()
    await expect.poll(() => bob.locator('#messages img:not(.loading)').count()).toBe(1)
    await desk.close()
    await phone.close()
  })

  it('has groups: made, written to, looked at, changed and left', async () => {
    const [desk, phone] = [await browserOf(1200), await browserOf(390)]
    const ann = await open(desk, 'pia')
    const ben = await open(phone, 'quin')
    const cat = connect({ url: `ws://127.0.0.1:${port}`, token: 'rob roy' })
    const heard: string[] = []
    void (async () => {
      for await (const { from, change, body, read } of cat.messages()) {
        heard.push(`${from} ${change ?? 'says'} ${body}`)
        read()
      }
    })()
    await ann.waitForSelector('#banner', { state: 'hidden' })
    await makeGroup(ann, 'Climbers', 'quin, #rob')
    await ann.waitForSelector('#group-members:invalid')
    await ann.fill('#group-members', 'quin, rob roy')
    await ann.press('#group-members', 'Enter')
    await ann.waitForSelector('#name:has-text("Climbers")')
    await ann.waitForSelector('#presence:has-text("you, quin, rob roy")')
    await say(ann, 'Sunday?')
    await ben.waitForSelector('.chat:has-text("Climbers") .preview:has-text("pia: Sunday?")')
    await ann.waitForSelector('#messages .tick.delivered')
    await ann.click('.ticks')
    await ann.waitForSelector('#info h3:has-text("Read by") + ul:has-text("rob roy")')
    await ann.waitForSelector('#info h3:has-text("Delivered to") + ul:has-text("quin")')
    await ann.keyboard.press('Escape')
    await ben.click('.chat')
    await ann.waitForSelector('#messages .tick.read')
    expect(await ben.locator('#messages .author').allTextContents()).toEqual(['pia'])
    await say(ben, 'Count me in')
    await ann.waitForSelector('#messages .author:has-text("quin")')
    await ann.click('#about')
    await ann.waitForSelector('#info li:has-text("pia (you)") .role:has-text("admin")')
    await ann.keyboard.press('Escape')
    await removeMember(ann, 'rob roy')
    await ann.fill('#info [aria-label="Rename"]', 'Two climbers')
    await ann.locator('#info').getByText('Rename', { exact: true }).click()
    await ben.waitForSelector('#name:has-text("Two climbers")')
    await ben.waitForSelector('#presence:has-text("pia, you")')
    expect(await ben.locator('.change').allTextContents()).toContain('pia removed rob roy')
    await ben.click('#about')
    await ben.waitForSelector('#info li:has-text("quin (you)")')
    expect(await ben.locator('#info').getByText('Remove').count()).toBe(0)
    await ben.keyboard.press('Escape')
    await leaveGroup(ben)
    await ann.waitForSelector('.change:has-text("quin left")')
    await ben.waitForSelector('#outside:has-text("you are not a member")')
    expect(await ben.locator('#text').isVisible()).toBe(false)
    await ben.evaluate(() => {
      location.hash = 'me=quin&chat=%23nosuch'
    })
    await ben.waitForSelector('#notice:has-text("There is no such group")')
    await expect.poll(() => ben.evaluate(() => location.hash)).toBe('#me=quin')
    await ben.fill('#peer', '#nosuch')
    await ben.press('#peer', 'Enter')
    await ben.waitForSelector('#peer:invalid')
    await ben.fill('#peer', '')
    await ben.click('.chat')
    expect(heard.slice(-2)).toEqual(['quin says Count me in', 'pia remove rob roy'])
    // Who left is asked first.
    await ann.fill('#info [aria-label="Add people"]', 'quin')
    await ann.locator('#info').getByText('Add people', { exact: true }).click()
    await ann.waitForSelector('.change:has-text("You invited quin")')
    await ben.waitForSelector('.change:has-text("pia invited you to the group “Two climbers”")')
    await ben.click('#about')
    await ben.locator('#info').getByText('Join the group').click()
    await ann.waitForSelector('.change:has-text("quin joined")')
    await ben.waitForSelector('#presence:has-text("pia, you")')
    await cat.close()
    await desk.close()
    await phone.close()
  })

  it('has settings: who sees whom, who may write, contacts, and who is blocked', async () => {
    const [desk, phone] = [await browserOf(1200), await browserOf(390)]
    const sue = await open(desk, 'sue', 'tom')
    const tom = await open(phone, 'tom', 'sue')
    await tom.waitForSelector('#presence.online')
    await sue.click('#settings')
    await sue.getByLabel('Who can see when I was last online').selectOption('nobody')
    await sue.getByLabel('Who can add me to groups').selectOption('contacts')
    await sue.keyboard.press('Escape')
    await expect.poll(() => tom.locator('#presence').textContent()).toBe('')
    await say(tom, 'taken')
    await tom.waitForSelector('#messages .tick.read')
    await sue.click('#about')
    await sue.getByText('Add to my contacts').click()
    await sue.getByText('Remove from my contacts').waitFor()
    await sue.getByText('Block', { exact: true }).click()
    await sue.locator('#info .primary', { hasText: 'Block' }).click()
    await sue.locator('#info').getByText('Unblock').waitFor()
    await sue.keyboard.press('Escape')
    await sue.waitForSelector('#blocked:has-text("You have blocked tom")')
    await say(tom, 'not taken')
    await tom.waitForSelector('#messages .refusal:has-text("you have been blocked")')
    await sue.reload()
    await sue.click('#settings')
    expect(await sue.getByLabel('Who can see when I was last online').inputValue()).toBe('nobody')
    expect(await sue.getByLabel('Who can add me to groups').inputValue()).toBe('contacts')
    for (const list of ['Contacts', 'Blocked'])
      expect(await sue.locator(`#info h3:has-text("${list}") + .people`).textContent()).toContain('tom')
    await sue.locator('#info').getByText('Unblock').click()
    await sue.locator('#info').getByText('Unblock').waitFor({ state: 'detached' })
    await sue.keyboard.press('Escape')
    await sue.waitForSelector('#blocked', { state: 'hidden' })
    await say(tom, 'taken again')
    await expect.poll(() => texts(sue)).toEqual(['taken', 'taken again'])
    await desk.close()
    await phone.close()
  })

  it('sends a video that is dropped on a chat: a still of it shows, and a press plays it', async () => {
    const [desk, phone] = [await browserOf(1200), await browserOf(390)]
    const sender = await open(desk, 'vic', 'wes')
    const receiver = await open(phone, 'wes', 'vic')
    expect(await sender.locator('#text').evaluate((field) => field.clientHeight)).toBeGreaterThan(30)
    await dropVideo(sender)
    await sender.click('#info .primary')
    await receiver.waitForSelector('.media.video img')
    await receiver.click('.media.video')
    const video = receiver.locator('video.media')
    await expect.poll(() => video.evaluate((video) => (video as HTMLVideoElement).currentTime)).toBeGreaterThan(0.2)
    await desk.close()
    await phone.close()
  })

  it('reads on one device what was read on another, and removes a device', async () => {
    const [desk, phone] = [await browserOf(1200), await browserOf(390)]
    const [here, there] = [await open(desk, 'uma'), await open(phone, 'uma')]
    for (const page of [here, there]) await page.waitForSelector('#banner', { state: 'hidden' })
    const xia = connect({ url: `ws://127.0.0.1:${port}`, token: 'xia' })
    for (const text of ['1', '2']) await xia.send('uma', text)
    for (const page of [here, there]) await page.waitForSelector('.badge:has-text("2")')
    await here.click('.chat')
    await there.waitForSelector('.badge', { state: 'detached' })
    await say(here, 'from here')
    await there.waitForSelector('.chat .preview:has-text("from here")')
    await here.click('#settings')
    await here.waitForSelector('#info li:has-text("This browser")')
    await here.locator('#info').getByLabel('Remove Chrome on Linux').click()
    await here.click('#info .primary')
    await there.waitForSelector('#said:has-text("removed from your devices")')
    await xia.close()
    await desk.close()
    await phone.close()
  })

  it('is open in one tab at a time under a name: the newest has it, and the other says so', async () => {
    const desk = await browserOf(1200)
    const first = await open(desk, 'eve', 'fay')
    await first.waitForSelector('#banner', { state: 'hidden' })
    const second = await open(desk, 'eve', 'fay')
    await first.waitForSelector('#banner:has-text("open in another tab")')
    await say(second, 'from the second')
    await second.waitForSelector('#messages .tick.sent')
    await first.click('text=Use it here')
    await second.waitForSelector('#banner:has-text("open in another tab")')
    await say(first, 'from the first')
    await expect.poll(() => ticks(first)).toEqual(['sent', 'sent'])
    expect(await texts(first)).toEqual(['from the second', 'from the first'])
    await desk.close()
  })

  it('takes its storage over from another tab also without a server: nothing of the two is mixed', async () => {
    const desk = await browserOf(1200)
    const first = await open(desk, 'lea', 'mia')
    await say(first, 'online')
    await first.waitForSelector('#messages .tick.sent')
    await first.evaluate(() => navigator.serviceWorker.ready)
    await pages.stop()
    await first.waitForSelector('#banner:has-text("No connection")')
    const second = await open(desk, 'lea', 'mia')
    await say(second, 'from the second')
    await expect.poll(() => ticks(second)).toEqual(['sent', 'waiting to be sent'])
    await say(first, 'from the first')
    await first.waitForSelector('#banner:has-text("open in another tab")')
    await first.waitForSelector('#notice:has-text("taken over")')
    expect(await first.inputValue('#text')).toBe('from the first')
    await pages.serve()
    await expect.poll(() => ticks(second)).toEqual(['sent', 'sent'])
    await first.click('text=Use it here')
    await expect.poll(() => texts(first)).toEqual(['online', 'from the second'])
    await desk.close()
  })

  it('can be used by keyboard alone, and says its ticks to screen readers', async () => {
    const desk = await browserOf(1200)
    const page = await open(desk, 'gus', 'hal')
    await say(page, 'to hal')
    await page.evaluate(() => {
      location.hash = 'me=gus&chat=ivy'
    })
    await page.waitForSelector('#name:has-text("ivy")')
    await page.keyboard.type('unfinished')
    await page.keyboard.press('Escape')
    await page.waitForSelector('#nothing')
    // The focus is on the chat that was open.
    await expect.poll(() => page.evaluate(() => document.activeElement?.getAttribute('data-chat'))).toBe('ivy')
    await page.waitForSelector('.chat:has-text("ivy") .preview:has-text("Draft: unfinished")')
    await page.focus('[data-chat="hal"]')
    await page.keyboard.press('Enter')
    await page.waitForSelector('#name:has-text("hal")')
    expect(await page.inputValue('#text')).toBe('')
    await page.keyboard.type('first')
    await page.keyboard.press('Shift+Enter')
    await page.keyboard.type('second')
    await page.keyboard.press('Enter')
    await expect.poll(() => texts(page)).toEqual(['to hal', 'first\nsecond'])
    await expect.poll(() => page.getByRole('img', { name: 'sent', exact: true }).count()).toBeGreaterThan(1)
    await page.evaluate(() => {
      location.hash = 'me=gus&chat=ivy'
    })
    await page.waitForSelector('#name:has-text("ivy")')
    expect(await page.inputValue('#text')).toBe('unfinished')
    for (const name of ['Send', 'Message', 'Start chat', 'Search, or enter a name', 'Chat info'])
      expect(await page.getByLabel(name, { exact: true }).count()).toBe(1)
    await desk.close()
  })

  it.each([390, 1200])(
    'fits %i pixels, and shows list and chat side by side only where there is room',
    async (width) => {
      const context = await browserOf(width)
      const page = await open(context, `wide${width}`, 'x'.repeat(100))
      await say(page, 'y'.repeat(2_000), 'word '.repeat(300))
      await page.waitForSelector('#messages .tick.sent')
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width)
      expect(await page.locator('#side').isVisible()).toBe(width > 700)
      expect(await page.locator('#back').isVisible()).toBe(width < 700)
      expect(await page.locator('#text').isVisible()).toBe(true)
      await page.evaluate((me) => {
        location.hash = `me=${me}`
      }, `wide${width}`)
      await page.waitForSelector('.chat')
      expect(await page.locator('#talk').isVisible()).toBe(width > 700)
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width)
      await context.close()
    },
  )

  it('says at once that the browser has no network, and that it has one again', async () => {
    const desk = await browserOf(1200)
    const page = await open(desk, 'oda')
    await page.waitForSelector('#banner', { state: 'hidden' })
    await desk.setOffline(true)
    await page.waitForSelector('#banner:has-text("You are offline")')
    await desk.setOffline(false)
    await page.waitForSelector('#banner', { state: 'hidden' })
    await desk.close()
  })

  it('made no error on the way', () => {
    expect(pages.problems).toEqual([])
    pages.problems = []
  })
})
