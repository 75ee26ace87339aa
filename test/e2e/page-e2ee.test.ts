/** The chat page in Chromium, on a node that takes sealed messages: people turn it on, link, compare, lose and begin anew. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import decodeQR from 'qr/decode.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { e2ee } from '../../src/client/e2ee/index.ts'
import { connect, memoryStorage } from '../../src/client/index.ts'
import type { Transport } from '../../src/client/transport.ts'
import { webSocketTransport } from '../../src/client/websocket.ts'
import type { ClientFrame } from '../../src/protocol/frames.ts'
import { jsonCodec } from '../../src/protocol/json.ts'
import { sentBody, sentIn } from '../../src/protocol/keys/parts.ts'
import { isQuiet, isSealed } from '../../src/protocol/sealed.ts'
import { freePort } from '../ports.ts'
import {
  faint,
  isInSight,
  leaveGroup,
  makeGroup,
  needsChromium,
  Pages,
  removeMember,
  say,
  texts,
  ticks,
} from './pages.ts'

const pages = new Pages(await freePort(), ['--e2ee', 'allowed'])
const strict = new Pages(await freePort(), ['--e2ee', 'required'])
const plain = new Pages(await freePort())
const patient = { timeout: 120_000 }

async function turnOn(page: Page): Promise<void> {
  await page.click('#keys button:has-text("Turn on encryption")')
  await page.waitForSelector('#keys', { state: 'hidden' })
}
const lock = (page: Page, words: string) => page.waitForSelector(`#lock[title="${words}"]`)
const read = (page: Page) => expect.poll(() => texts(page), patient)

async function number(page: Page): Promise<string> {
  await page.click('#lock')
  await page.waitForSelector('#info .digits')
  return (await page.textContent('#info .digits')) ?? ''
}

/** What a scanner finds on the sheet. */
async function scanned(page: Page): Promise<string> {
  const [path, box] = await page.locator('#info .qr').evaluate((svg) => {
    return [
      svg.querySelector('path')?.getAttribute('d') ?? '',
      Number(svg.getAttribute('viewBox')?.split(' ')[2]),
    ] as const
  })
  const scale = 4
  const width = box * scale
  const data = new Uint8Array(width * width * 4).fill(255)
  for (const [, x, y] of path.matchAll(/M(\d+) (\d+)h1/g))
    for (let row = 0; row < scale; row++) {
      const from = ((Number(y) * scale + row) * width + Number(x) * scale) * 4
      for (let at = from; at < from + scale * 4; at++) if (at % 4 !== 3) data[at] = 0
    }
  return decodeQR({ width, height: width, data })
}

const pictureOf = (buffer: Buffer) => ({ name: 'code.png', mimeType: 'image/png', buffer })

/** The new page is linked by the other one. */
async function link(fresh: Page, by: Page): Promise<void> {
  await fresh.click('#keys button:has-text("Link this browser")')
  const code = await fresh.inputValue('#link-code')
  expect(await scanned(fresh)).toBe(code)
  await by.click('#settings')
  await by.click('#info button:has-text("Link a device")')
  await by.fill('#info textarea', code)
  await by.click('#info button:has-text("Link it")')
  await fresh.waitForSelector('#info', { state: 'hidden' })
  await fresh.waitForSelector('#keys', { state: 'hidden' })
  await by.waitForSelector('#info', { state: 'hidden' })
}

/** All that a server which has ended has on its disk. */
const onDisk = (): string =>
  readdirSync(pages.data, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n')

/** Of the first sealed message that is sent over it a byte of the tag is another when it comes to the server. */
const spoiling = (): Transport => (at, subprotocol, events) => {
  const connection = webSocketTransport(at, subprotocol, events)
  let isDone = false
  const spoilt = (frame: ClientFrame): ClientFrame => {
    if (isDone || frame[0] !== 'send' || !isSealed(frame[3]) || isQuiet(frame[3])) return frame
    isDone = true
    const sent = sentIn(frame[3], 128)
    if (!sent) throw new Error('not what a device sends')
    for (const { bytes } of sent.parts) bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1
    const body = sentBody(sent)
    return Object.assign([...frame], { 3: body }) as unknown as ClientFrame
  }
  const changed = (data: string | Uint8Array) => jsonCodec.encode((jsonCodec.decode(data) as ClientFrame[]).map(spoilt))
  return { send: (data) => connection.send(changed(data)), close: (...why) => connection.close(...why) }
}

describe('the chat page with encryption', needsChromium, () => {
  beforeAll(() => pages.start())
  afterAll(() => pages.end())

  it('closes the lock when both have turned it on: they see one number, compare it, link another browser, and a server that is killed has read nothing', async () => {
    const [desk, phone, tablet] = [await pages.browserOf(1200), await pages.browserOf(390), await pages.browserOf(390)]
    const [ann, ben] = [await pages.open(desk, 'ann', 'ben'), await pages.open(phone, 'ben', 'ann')]
    await lock(ann, 'Not encrypted')
    await say(ann, 'said in plain words')
    await read(ben).toEqual(['said in plain words'])
    await turnOn(ann)
    await turnOn(ben)
    await say(ann, 'a sealed canary')
    await read(ben).toEqual(['said in plain words', 'a sealed canary'])
    for (const page of [ann, ben]) await lock(page, 'Encrypted')
    const [hers, his] = [await number(ann), await number(ben)]
    expect(hers).toBe(his)
    expect(hers.replace(/\D/g, '')).toHaveLength(60)
    expect(await scanned(ann)).toMatch(/^bluetick-number:/)
    // A picture of something else is none of it.
    await ann.click('#info button:has-text("Scan the code of ben")')
    await ann.setInputFiles('#info input[type=file]', pictureOf(await ben.locator('#info .digits').screenshot()))
    await ann.waitForSelector('#notice:has-text("no code in this picture")')
    expect(await isInSight(ann, '#notice')).toBe(true)
    await ann.setInputFiles('#info input[type=file]', pictureOf(await ben.locator('#info .qr').screenshot()))
    await ann.waitForSelector('#info button:has-text("Compare"):focus')
    expect(await ann.inputValue('#info textarea')).toBe(await scanned(ben))
    await ann.keyboard.press('Enter')
    await lock(ann, 'Encrypted and verified')
    await ann.waitForSelector('#info:has-text("You have marked ben as verified")')
    for (const page of [ann, ben]) await page.keyboard.press('Escape')

    const ann2 = await pages.open(tablet, 'ann', 'ben')
    await link(ann2, ann)
    await say(ben, 'to both of you')
    for (const page of [ann, ann2]) await read(page).toContain('to both of you')
    await lock(ann2, 'Encrypted')
    await pages.stop('SIGKILL')
    await say(ann2, 'written while it was dead')
    const kept = onDisk()
    expect(kept).toContain('said in plain words')
    for (const words of ['a sealed canary', 'to both of you']) expect(kept).not.toContain(words)
    await pages.serve()
    for (const page of [ann, ann2, ben])
      await page
        .locator('#banner-action')
        .click({ timeout: 1_000 })
        .catch(() => undefined)
    for (const page of [ann, ben]) await read(page).toContain('written while it was dead')
    await expect.poll(async () => (await ticks(ann2)).at(-1), patient).toBe('read')
    await lock(ann, 'Encrypted and verified')

    // A lost device is removed: it is out, and the rest goes on.
    await ann.click('#settings')
    await ann.click('#info button[aria-label^="Remove"]')
    await ann.click('#info .primary.danger')
    await ann2.waitForSelector('#enter:not([hidden])')
    await ann.waitForSelector('#info:has-text("One device, this browser, has your keys")')
    await ann.keyboard.press('Escape')
    await say(ben, 'after it was lost')
    await read(ann).toContain('after it was lost')
    expect(pages.problems).toEqual([])
    for (const context of [desk, phone, tablet]) await context.close()
  }, 240_000)

  it('says in the chat that a number has changed, keeps what is written until the person agrees, and leaves no key when somebody signs out', async () => {
    const [desk, phone] = [await pages.browserOf(1200), await pages.browserOf(390)]
    const [cat, dan] = [await pages.open(desk, 'cat', 'dan'), await pages.open(phone, 'dan', 'cat')]
    for (const page of [cat, dan]) await turnOn(page)
    await say(cat, 'one')
    await read(dan).toEqual(['one'])
    await lock(cat, 'Encrypted')
    await dan.click('#back')
    await dan.click('#leave')
    await dan.waitForSelector('#info:has-text("the only device with your keys")')
    await dan.click('#info .primary.danger')
    await dan.waitForSelector('#enter:not([hidden])')
    const left = await dan.evaluate(async () => [
      ...(await indexedDB.databases()).map(({ name }) => name),
      ...Object.keys(localStorage),
    ])
    expect(left.filter((name) => name?.includes('dan'))).toEqual([])

    const dan2 = await pages.open(phone, 'dan', 'cat')
    await dan2.click('#keys button:has-text("Link this browser")')
    await dan2.click('#info button:has-text("none of my linked devices")')
    await dan2.click('#info .primary.danger')
    await dan2.waitForSelector('#keys', { state: 'hidden' })
    await say(cat, 'two')
    await cat.waitForSelector('#messages .note:has-text("dan’s security number has changed")')
    await cat.waitForSelector('#held:not([hidden])')
    await lock(cat, 'Encrypted; messages wait')
    expect((await ticks(cat)).at(-1)).toBe('waiting to be sent')
    await cat.reload()
    await cat.waitForSelector('#messages .note:has-text("dan’s security number has changed")')
    await cat.click('#held-accept')
    await cat.click('#info .primary.danger')
    await read(dan2).toContain('two')
    await cat.waitForSelector('#held', { state: 'hidden' })
    expect(await texts(dan2)).not.toContain('one')
    for (const context of [desk, phone]) await context.close()
  }, 240_000)

  it('makes a group encrypted where all have keys, names who is given nothing, and asks before it makes one that is not', async () => {
    const [desk, phone] = [await pages.browserOf(1200), await pages.browserOf(390)]
    const [ora, pat] = [await pages.open(desk, 'ora'), await pages.open(phone, 'pat')]
    for (const page of [ora, pat]) await turnOn(page)
    const quy = connect({ url: `ws://127.0.0.1:${pages.port}`, token: 'quy', e2ee: e2ee() })
    const heard: unknown[] = []
    void (async () => {
      for await (const { body, sealed } of quy.messages()) heard.push(sealed && body)
    })()
    await quy.e2ee?.place()
    await makeGroup(ora, 'Sealed team', 'pat, quy')
    await ora.waitForSelector('#name:has-text("Sealed team")')
    await lock(ora, 'Encrypted')
    await say(ora, 'a canary for the team')
    await pat.click('.chat:has-text("Sealed team")')
    await lock(pat, 'Encrypted')
    await read(pat).toEqual(['a canary for the team'])

    // Who has no keys is a member, and reads nothing.
    await ora.click('#about')
    await ora.fill('#info [aria-label="Add people"]', 'rex')
    await ora.locator('#info').getByText('Add people', { exact: true }).click()
    await ora.waitForSelector('#info li:has-text("rex") .role:has-text("cannot read")')
    await ora.keyboard.press('Escape')
    for (const page of [ora, pat]) await lock(page, 'Encrypted, but not for rex')
    await pat.click('#lock')
    await pat.waitForSelector('#info:has-text("Nothing is encrypted for rex")')
    expect(await faint(pat)).toEqual([])
    await pat.keyboard.press('Escape')
    await removeMember(ora, 'rex')
    await ora.keyboard.press('Escape')
    for (const page of [ora, pat]) await lock(page, 'Encrypted')

    await leaveGroup(pat)
    await ora.waitForSelector('.change:has-text("pat left")')
    await say(ora, 'for who is left')
    await expect.poll(() => heard).toEqual(expect.arrayContaining(['a canary for the team', 'for who is left']))
    expect(await texts(pat)).toEqual(['a canary for the team'])

    await makeGroup(ora, 'Open team', 'pat, rex')
    await ora.waitForSelector('#info:has-text("rex has not turned on encryption")')
    expect(await faint(ora)).toEqual([])
    await ora.click('#info .primary')
    await ora.waitForSelector('#name:has-text("Open team")')
    await lock(ora, 'Not encrypted')
    await ora.click('#lock')
    await ora.waitForSelector('#info:has-text("once rex has turned on encryption")')
    await pages.stop('SIGKILL')
    for (const words of ['a canary for the team', 'for who is left']) expect(onDisk()).not.toContain(words)
    await pages.serve()
    await quy.close()
    expect(pages.problems).toEqual([])
    for (const context of [desk, phone]) await context.close()
  }, 240_000)

  it('keeps a place for what it cannot read, also across a reload, and shows it there when it has come', async () => {
    const desk = await pages.browserOf(1200)
    const eva = await pages.open(desk, 'eva', 'fred')
    await turnOn(eva)
    const storage = memoryStorage()
    const url = `ws://127.0.0.1:${pages.port}`
    const fred = connect({ url, token: 'fred', storage, transport: spoiling(), e2ee: e2ee() })
    await fred.e2ee?.place()
    const first = await fred.send('eva', 'first')
    await fred.close()
    const waiting = eva.locator('#messages .theirs.note:has-text("Waiting for this message")')
    await waiting.waitFor()
    await say(eva, 'second')
    await expect.poll(() => eva.locator('#messages > li[id]').count(), patient).toBe(2)
    await eva.reload()
    await waiting.waitFor()
    const again = connect({ url, token: 'fred', storage, e2ee: e2ee() })
    await read(eva).toEqual(['first', 'second'])
    expect(await eva.locator('#messages > li').nth(1).getAttribute('id')).toBe(first.id)
    expect(await eva.locator('#messages .note').count()).toBe(0)
    await again.close()
    await desk.close()
  }, 240_000)

  it('begins anew in a browser that has lost the key of what it keeps', async () => {
    const desk = await pages.browserOf(1200)
    const mia = await pages.open(desk, 'mia', 'ned')
    await turnOn(mia)
    await mia.goto(`${pages.origin}/icon.svg`)
    await mia.evaluate(async () => {
      const names = (await indexedDB.databases()).map(({ name }) => name ?? '')
      await Promise.all(
        names
          .filter((name) => name.startsWith('bluetick-key:'))
          .map((name) => new Promise((resolve) => (indexedDB.deleteDatabase(name).onsuccess = resolve))),
      )
    })
    await mia.goto(`${pages.origin}/#me=mia`)
    await mia.waitForSelector('#said:has-text("has lost the key")')
    await mia.fill('#me', 'mia')
    await mia.press('#me', 'Enter')
    await mia.waitForSelector('#keys:has-text("cannot read your encrypted messages yet")')
    await desk.close()
  }, 240_000)

  it('does not begin anew where somebody turns it on in a second browser, too', async () => {
    const [desk, phone] = [await pages.browserOf(1200), await pages.browserOf(390)]
    const [pia, pia2] = [await pages.open(desk, 'pia', 'quin'), await pages.open(phone, 'pia', 'quin')]
    await pia2.waitForSelector('#keys button:has-text("Turn on encryption")')
    await turnOn(pia)
    await pia2.click('#keys button:has-text("Turn on encryption")')
    await pia2.waitForSelector('#keys:has-text("cannot read your encrypted messages yet")')
    await pia.click('#settings')
    await pia.waitForSelector('#info:has-text("One device, this browser, has your keys")')
    for (const context of [desk, phone]) await context.close()
  }, 240_000)

  it.each(['light', 'dark'] as const)('can be read, in %s', async (mode) => {
    const desk = await pages.browserOf(mode === 'light' ? 1200 : 390)
    const [gil, hal] = [`gil-${mode}`, `hal-${mode}`]
    const page = await pages.open(desk, gil, hal)
    await page.emulateMedia({ colorScheme: mode })
    await page.waitForSelector('#keys:not([hidden])')
    await lock(page, 'Not encrypted')
    const told = await faint(page)
    await turnOn(page)
    const url = `ws://127.0.0.1:${pages.port}`
    const friend = connect({ url, token: hal, e2ee: e2ee() })
    await friend.send(gil, 'hello')
    await lock(page, 'Encrypted')
    await number(page)
    told.push(...(await faint(page)))
    await page.click('#info button:has-text("Scan the code")')
    told.push(...(await faint(page)))
    await page.keyboard.press('Escape')
    const next = connect({ url, token: hal, device: 'next', e2ee: e2ee() })
    await next.e2ee?.reset()
    await say(page, 'who are you?')
    await page.waitForSelector('#held:not([hidden])')
    await page.waitForSelector('#messages .note')
    told.push(...(await faint(page)))
    await page.click('#held-compare')
    await page.click('#info button:has-text("mark as verified")')
    await lock(page, 'Encrypted and verified')
    await page.waitForSelector('#held', { state: 'hidden' })
    expect(told).toEqual([])
    // It has a name for who cannot see it, and is reached by keys.
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Encrypted and verified: details' }).press('Enter')
    await page.getByRole('img', { name: /as a QR code/ }).waitFor()
    for (const client of [friend, next]) await client.close()
    await desk.close()
  })
})

describe('the chat page where encryption is required', needsChromium, () => {
  beforeAll(() => strict.start())
  afterAll(() => strict.end())

  it('sends nothing as it is, says why, and sends what is written once both have keys', async () => {
    const [desk, phone] = [await strict.browserOf(1200), await strict.browserOf(390)]
    const [ida, jon] = [await strict.open(desk, 'ida', 'jon'), await strict.open(phone, 'jon', 'ida')]
    await ida.waitForSelector('#keys:has-text("takes only encrypted messages")')
    await say(ida, 'too early')
    await ida.waitForSelector('#messages .refusal:has-text("only encrypted messages")')
    await turnOn(ida)
    await turnOn(jon)
    await say(ida, 'in time')
    await read(jon).toEqual(['in time'])
    for (const context of [desk, phone]) await context.close()
  })
})

describe('the chat page where there is no encryption', needsChromium, () => {
  beforeAll(() => plain.start())
  afterAll(() => plain.end())

  it('loads none of it, and says nothing of it', async () => {
    const desk = await plain.browserOf(1200)
    const asked: string[] = []
    desk.on('request', (request) => asked.push(new URL(request.url()).pathname))
    const [kay, lea] = [
      await plain.open(desk, 'kay', 'lea'),
      await plain.open(await plain.browserOf(390), 'lea', 'kay'),
    ]
    await say(kay, 'hello')
    await read(lea).toEqual(['hello'])
    expect(await kay.locator('#keys').isHidden()).toBe(true)
    expect(await kay.locator('#lock').isHidden()).toBe(true)
    expect(asked).toContain('/app.js')
    expect(asked).not.toContain('/e2ee.js')
    await desk.close()
  })
})
