/** The chat page in a real Chromium: two people, a server that stops, and a message that waits for it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { needs } from '../skips.ts'

const executablePath = '/usr/bin/chromium'
const port = 26_000 + (process.pid % 2_000)
const data = mkdtempSync(join(tmpdir(), 'bluetick-page-'))
const chromiumHere = needs('Chromium', existsSync(executablePath), 'apt-get install chromium')

function serve(): Promise<ChildProcess> {
  const server = spawn(process.execPath, ['dist/src/cli/main.js', 'serve', '--port', String(port), '--data', data])
  return new Promise((resolve, reject) => {
    server.stdout.on('data', (text) => String(text).includes('listens') && resolve(server))
    server.once('exit', (code) => reject(new Error(`the server ended with ${code}`)))
  })
}

async function say(page: Page, text: string): Promise<void> {
  await page.fill('#text', text)
  await page.press('#text', 'Enter')
}

it('shows ticks and presence, and keeps what is written while the server is away', {
  ...chromiumHere,
  timeout: 90_000,
}, async () => {
  let server = await serve()
  const browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  })
  const enter = async (me: string, peer: string, width: number) => {
    const page = await (await browser.newContext({ viewport: { width, height: 800 } })).newPage()
    await page.goto(`http://127.0.0.1:${port}/#me=${me}&peer=${peer}`)
    return page
  }
  const [alice, bob] = [await enter('alice', 'bob', 390), await enter('bob', 'alice', 1200)]
  await say(alice, 'Hi Bob')
  await bob.waitForSelector('text=Hi Bob')
  await alice.waitForSelector('.tick.read')
  await bob.waitForSelector('#presence:has-text("online")')

  const ended = new Promise((resolve) => server.once('exit', resolve))
  server.kill('SIGTERM')
  await ended
  await say(alice, 'while away')
  await alice.waitForSelector('.tick.queued')
  await alice.waitForSelector('#banner:has-text("No connection")')
  server = await serve()
  await alice.locator('.tick.read').nth(1).waitFor()
  expect(await bob.locator('#messages li').allTextContents()).toEqual([
    expect.stringContaining('Hi Bob'),
    expect.stringContaining('while away'),
  ])
  await browser.close()
  server.kill('SIGTERM')
})
