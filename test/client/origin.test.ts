/** A page of another origin than its node's, as one that vite serves: in Chromium. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { build } from 'esbuild'
import { chromium } from 'playwright-core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createNode, memoryStore } from '../../src/index.ts'
import { executablePath, needsChromium } from '../e2e/pages.ts'

describe('a page of another origin', needsChromium, () => {
  it('is told what may be wrong when it cannot connect', async () => {
    const { outputFiles } = await build({
      stdin: { contents: `import { connect } from 'bluetick/client'; globalThis.connect = connect`, resolveDir: '.' },
      ...{ bundle: true, format: 'iife', platform: 'browser', write: false, tsconfigRaw: {} },
    })
    const web = createServer((_, answer) => answer.end('<!doctype html>')).listen(0, '127.0.0.1')
    await once(web, 'listening')
    const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
    await using node = createNode({ store: memoryStore() })
    onTestFinished(async () => {
      await browser.close()
      web.close()
    })
    const { url } = await node.listen({ port: 0 })
    const page = await browser.newPage()
    const origin = `http://127.0.0.1:${(web.address() as AddressInfo).port}`
    await page.goto(origin)
    await page.addScriptTag({ content: outputFiles?.[0]?.text ?? '' })
    const reason = await page.evaluate(
      (url) =>
        new Promise<string>((resolve) => {
          const { connect } = globalThis as unknown as typeof import('../../src/client/index.ts')
          const client = connect({ url, token: 'alice' })
          client.on('connection', (status) => status.is === 'waiting' && resolve(status.reason))
        }),
      url,
    )
    expect(reason).toBe(
      `connection lost (no node answers at ${url}, or it takes no pages of ${origin}: see --allow-origin)`,
    )
  })
})
