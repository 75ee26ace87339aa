/** The chat page in a real Chromium, with a node of its own: what its stories have in common. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { needs } from '../skips.ts'

export const executablePath = '/usr/bin/chromium'

/** Milliseconds for anything on a page: what waits longer hangs, and says what it waits for before the test is given up. */
const patientMs = 120_000

/** For a `describe` of stories that need the browser. */
export const needsChromium = needs('Chromium', existsSync(executablePath), 'apt-get install chromium')

export class Pages {
  readonly port: number
  readonly origin: string
  /** What went wrong on a page, of which nobody was told. */
  problems: string[] = []
  readonly #options: readonly string[]
  readonly data = mkdtempSync(join(tmpdir(), 'bluetick-page-'))
  #server: ChildProcess | undefined
  #browser: Browser | undefined

  /** `options` of `bluetick serve`. */
  constructor(port: number, options: readonly string[] = []) {
    this.port = port
    this.#options = options
    this.origin = `http://127.0.0.1:${this.port}`
  }

  async start(): Promise<void> {
    await this.serve()
    const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking']
    this.#browser = await chromium.launch({ executablePath, args })
  }

  async end(): Promise<void> {
    await this.#browser?.close()
    this.#server?.kill('SIGKILL')
  }

  async serve(): Promise<void> {
    const run = ['dist/src/cli/main.js', 'serve', '--port', String(this.port), '--data', this.data, ...this.#options]
    const server = spawn(process.execPath, run)
    this.#server = server
    await new Promise<void>((resolve, reject) => {
      server.stdout.on('data', (text) => String(text).includes('listens') && resolve())
      server.once('exit', (code) => reject(new Error(`the server ended with ${code}`)))
    })
  }

  /** `signal`: SIGKILL ends it as a crash does. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const ended = new Promise((resolve) => this.#server?.once('exit', resolve))
    this.#server?.kill(signal)
    await ended
  }

  /** A browser of somebody's own. */
  async browserOf(width: number): Promise<BrowserContext> {
    if (!this.#browser) throw new Error('start first')
    const context = await this.#browser.newContext({ viewport: { width, height: 800 }, locale: 'en-GB' })
    context.setDefaultTimeout(patientMs)
    return context
  }

  async open(context: BrowserContext, me: string, chat?: string): Promise<Page> {
    const page = await context.newPage()
    page.on('pageerror', (error) => this.problems.push(`${me}: ${error.message}`))
    await page.goto(`${this.origin}/#${new URLSearchParams(chat ? { me, chat } : { me })}`)
    await page.waitForSelector('#app:not([hidden])', { state: 'attached' })
    return page
  }
}

export async function say(page: Page, ...texts: string[]): Promise<void> {
  for (const text of texts) {
    await page.fill('#text', text)
    await page.press('#text', 'Enter')
  }
}

/** Records a video of a second and a half, and drops it on the chat that is open. */
export const dropVideo = (page: Page): Promise<void> =>
  page.evaluate(async () => {
    const canvas = document.createElement('canvas')
    const context = canvas.getContext('2d')
    const recorder = new MediaRecorder(canvas.captureStream(20), { mimeType: 'video/webm;codecs=vp8' })
    const recorded = new Promise<Blob>((resolve) => {
      recorder.ondataavailable = ({ data }) => resolve(data)
    })
    recorder.start()
    for (let frame = 0; frame < 30; frame++) {
      if (context) context.fillStyle = `hsl(${frame * 12} 80% 50%)`
      context?.fillRect(0, 0, canvas.width, canvas.height)
      await new Promise((resolve) => setTimeout(resolve, 40))
    }
    recorder.stop()
    const dataTransfer = new DataTransfer()
    dataTransfer.items.add(new File([await recorded], 'clip.webm', { type: 'video/webm' }))
    document.getElementById('talk')?.dispatchEvent(new DragEvent('drop', { dataTransfer, cancelable: true }))
  })

export async function makeGroup(page: Page, name: string, members: string): Promise<void> {
  await page.click('#make-group')
  await page.fill('#group-name', name)
  await page.fill('#group-members', members)
  await page.press('#group-members', 'Enter')
}

export async function leaveGroup(page: Page): Promise<void> {
  await page.click('#about')
  await page.locator('#info').getByText('Leave group').click()
  await page.click('#info .primary')
}

/** By an admin. */
export async function removeMember(page: Page, member: string): Promise<void> {
  await page.click('#about')
  await page.locator(`#info li:has-text("${member}")`).getByText('Remove').click()
  await page.click('#info .primary')
  await page.waitForSelector('#info .people')
  await page.waitForSelector(`#info li:has-text("${member}")`, { state: 'detached' })
}

/** Whether all of something is on the screen, and nothing lies over it. */
export const isInSight = (page: Page, selector: string): Promise<boolean> =>
  page
    .locator(selector)
    .last()
    .evaluate((element) => {
      const { left, right, top, bottom } = element.getBoundingClientRect()
      const points = [left + 1, (left + right) / 2, right - 1].flatMap((x) => [top + 1, bottom - 1].map((y) => [x, y]))
      return points.every(([x = 0, y = 0]) => {
        const found = document.elementFromPoint(x, y)
        return found !== null && (element.contains(found) || found.contains(element))
      })
    })

export const texts = (page: Page) => page.locator('#messages .text').allTextContents()

export const ticks = (page: Page) =>
  page.locator('#messages .tick').evaluateAll((ticks) => ticks.map((tick) => tick.getAttribute('aria-label')))

/** Texts that stand out from what is behind them by less than 4.5 to 1. */
export const faint = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const context = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true })
    /** A colour over others, as the screen shows it. */
    const painted = (...colours: string[]): number[] => {
      for (const colour of colours) {
        if (context) context.fillStyle = colour
        context?.fillRect(0, 0, 1, 1)
      }
      return [...(context?.getImageData(0, 0, 1, 1).data ?? [])].slice(0, 3)
    }
    const light = (rgb: number[]) => {
      const [red = 0, green = 0, blue = 0] = rgb.map((value) =>
        value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4,
      )
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
    const behind = (element: Element | null): string[] =>
      element ? [...behind(element.parentElement), getComputedStyle(element).backgroundColor] : ['white']
    const found: string[] = []
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    for (let node = texts.nextNode(); node; node = texts.nextNode()) {
      const element = node.parentElement
      if (
        !node.textContent?.trim() ||
        !element?.checkVisibility({ opacityProperty: true }) ||
        element.closest('.hidden, option, :disabled')
      )
        continue
      const back = behind(element)
      const [text, ground] = [light(painted(...back, getComputedStyle(element).color)), light(painted(...back))]
      const ratio = (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05)
      if (ratio < 4.5) found.push(`${ratio.toFixed(1)} ${element.tagName} ${element.className} ${node.textContent}`)
    }
    return found
  })
