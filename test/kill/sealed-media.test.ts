/** A node that is killed with -9, or drained, while sealed content is on its way: the transfer goes on with the next one, and ends with all of it. */
import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { e2ee } from '../../src/client/e2ee/index.ts'
import { type Client, connect } from '../../src/client/index.ts'
import { serve } from '../contracts/kill.ts'
import { idOf } from '../contracts/media.ts'
import { freePort } from '../ports.ts'

/** More than sockets and their buffers hold: so a transfer of which some has come is under way. */
const content = randomBytes(24_000_000)
let server: ChildProcess
let again: () => Promise<void>
const clients: Client[] = []
/** Ranges of the requests for content, in their order. */
let asked: (string | null)[] = []

beforeEach(async () => {
  const port = await freePort()
  const options = ['--data', mkdtempSync(join(tmpdir(), 'bluetick-sealed-media-')), '--e2ee', 'allowed']
  again = async () => {
    server = await serve(port, options)
    for (const client of clients) client.retryNow()
  }
  await again()
  for (const token of ['alice', 'bob']) {
    const client = connect({ url: `ws://127.0.0.1:${port}`, token, e2ee: e2ee() })
    clients.push(client)
    await client.e2ee?.place()
  }
  asked = []
  const real = globalThis.fetch
  vi.spyOn(globalThis, 'fetch').mockImplementation((input, init) => {
    const headers = new Headers(init?.headers)
    if (String(input).includes('/media')) asked.push(headers.get('content-range') ?? headers.get('range'))
    return real(input, init)
  })
})
afterEach(async () => {
  vi.restoreAllMocks()
  server.kill('SIGKILL')
  for (const client of clients.splice(0)) await client.close()
})

/** What a transfer tells its progress to: with the first of it the node is ended. */
function endedBy(signal: NodeJS.Signals): { readonly onProgress: () => void; readonly ended: Promise<unknown> } {
  let isEnding = false
  const ended = once(server, 'exit')
  const onProgress = () => {
    if (!isEnding) server.kill(signal)
    isEnding = true
  }
  return { onProgress, ended }
}

for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
  it(`${signal}: an upload and a download go on where they broke off, and what comes is what was sent`, async () => {
    const [alice, bob] = clients as [Client, Client]
    const first = endedBy(signal)
    const uploading = alice.upload(content, { onProgress: first.onProgress })
    await first.ended
    await again()
    const medium = await uploading
    // It was asked how much had come, and not begun anew.
    expect(asked).toContainEqual(expect.stringMatching(/^bytes \*\//))

    await alice.send('bob', 'look', { media: medium })
    const { value } = await bob.messages()[Symbol.asyncIterator]().next()
    asked = []
    const second = endedBy(signal)
    const downloading = bob.download(value.media.id, { onProgress: second.onProgress })
    await second.ended
    await again()
    expect(idOf(new Uint8Array(await (await downloading).arrayBuffer()))).toBe(idOf(content))
    expect(asked.at(-1)).toMatch(/^bytes=[1-9]\d*-$/)
  })
}

it('a transfer that is given up while the node is away gives nothing out, and can be made again', async () => {
  const [alice, bob] = clients as [Client, Client]
  const given = new AbortController()
  const first = endedBy('SIGKILL')
  const uploading = alice.upload(content, { onProgress: first.onProgress, signal: given.signal })
  await first.ended
  given.abort(new Error('given up'))
  await expect(uploading).rejects.toThrow('given up')
  await again()
  const medium = await alice.upload(content)

  const later = new AbortController()
  const second = endedBy('SIGKILL')
  const downloading = bob.download(medium.id, { onProgress: second.onProgress, signal: later.signal })
  await second.ended
  later.abort(new Error('given up'))
  await expect(downloading).rejects.toThrow('given up')
  await again()
  expect(idOf(new Uint8Array(await (await bob.download(medium.id)).arrayBuffer()))).toBe(idOf(content))
})
