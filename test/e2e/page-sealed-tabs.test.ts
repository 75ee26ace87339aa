/** Tabs of one browser with the keys of one person: two at a time, one that ends while it writes, and a browser that has lost what it kept. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { e2ee } from '../../src/client/e2ee/index.ts'
import { connect } from '../../src/client/index.ts'
import { freePort } from '../ports.ts'
import { needsChromium, Pages, say } from './pages.ts'

const pages = new Pages(await freePort(), ['--e2ee', 'allowed'])
const patient = { timeout: 120_000 }

describe('the chat page with encryption', needsChromium, () => {
  beforeAll(() => pages.start())
  afterAll(() => pages.end())

  it('has its keys in one tab at a time, loses none where a tab ends while it writes, and makes no new ones by itself', async () => {
    const desk = await pages.browserOf(1200)
    const keys = e2ee()
    const vic = connect({ url: `ws://127.0.0.1:${pages.port}`, token: 'vic', e2ee: keys })
    const [got, told]: [string[], unknown[]] = [[], []]
    keys.on('unreadable', (event) => void told.push(event))
    keys.on('identity', (event) => void told.push(event))
    void (async () => {
      for await (const { body, sealed } of vic.messages()) got.push(sealed ? String(body) : `in plain text: ${body}`)
    })().catch(() => {})
    await keys.place()
    const older = await pages.open(desk, 'uma', 'vic')
    await older.click('#keys button:has-text("Turn on encryption")')
    await older.waitForSelector('#lock[title="Encrypted"]')
    await say(older, 'one')
    const newer = await pages.open(desk, 'uma', 'vic')
    await say(newer, 'two')
    await expect.poll(() => got, patient).toEqual(['one', 'two'])
    await older.waitForSelector('#banner:has-text("open in another tab")')

    // It ends at some moment of what five messages write.
    await newer.evaluate(() => {
      const field = document.getElementById('text') as HTMLTextAreaElement
      for (const text of ['three', 'four', 'five', 'six', 'seven']) {
        field.value = text
        field.dispatchEvent(new Event('input', { bubbles: true }))
        field.form?.requestSubmit()
      }
    })
    await newer.close()
    await older.close()
    const again = await pages.open(desk, 'uma', 'vic')
    await say(again, 'the last')
    await expect.poll(() => got.at(-1), patient).toBe('the last')
    expect(new Set(got).size).toBe(got.length)
    expect(told).toEqual([])

    await again.goto(`${pages.origin}/icon.svg`)
    await again.evaluate(async () => {
      const names = (await indexedDB.databases()).map(({ name }) => name ?? '')
      await Promise.all(
        names.map((name) => new Promise((resolve) => (indexedDB.deleteDatabase(name).onsuccess = resolve))),
      )
    })
    const cleared = await pages.open(desk, 'uma', 'vic')
    await cleared.waitForSelector('#keys:has-text("cannot read your encrypted messages yet")')
    await vic.send('uma', 'are you there?')
    expect(told).toEqual([])
    expect((await keys.identity('uma')).devices).toHaveLength(1)
    await vic.close()
    await desk.close()
  }, 240_000)
})
