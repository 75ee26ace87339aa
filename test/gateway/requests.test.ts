/** Requests that another server may read otherwise are refused, and so is a WebSocket of another version. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createNode, memoryStore } from '../../src/index.ts'

const node = createNode({ store: memoryStore() })
let port: number
beforeAll(async () => {
  port = (await node.listen({ port: 0 })).port
})
afterAll(() => node.close())

/** All that comes back until the node closes, or what `until` finds. */
async function answer(request: string, until = /$^/): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' })
  socket.on('error', () => undefined)
  let text = ''
  socket.write(request.replaceAll('\n', '\r\n'))
  const found = new Promise<void>((resolve) => {
    socket.on('data', (data) => {
      text += data
      if (until.test(text)) resolve()
    })
  })
  await Promise.race([found, once(socket, 'close')])
  socket.destroy()
  return text
}

const head = (...lines: string[]) => ['Host: 127.0.0.1', ...lines, '', ''].join('\n')
const smuggled = `GET /healthz HTTP/1.1\n${head()}`
const upgrade = (...lines: string[]) =>
  `GET / HTTP/1.1\n${head('Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==', ...lines)}`

describe('a request', () => {
  it.each([
    ['two lengths', ['Content-Length: 0', `Content-Length: ${smuggled.length}`]],
    ['the same length twice', ['Content-Length: 0', 'Content-Length: 0']],
    ['a coding of its own', ['Transfer-Encoding: xchunked']],
    ['two codings', ['Transfer-Encoding: chunked', 'Transfer-Encoding: identity']],
    ['a coding and a length', ['Transfer-Encoding: chunked', 'Content-Length: 5']],
  ])('with %s is not answered, and neither is what comes behind it', async (_what, lines) => {
    const body = lines[0]?.startsWith('T') ? '0\n\n' : ''
    const got = await answer(`POST /media HTTP/1.1\n${head(...lines)}${body}${smuggled}`, /200 OK/)
    expect(got).not.toContain('200 OK')
  })

  it('of the usual kind is answered, and so is the one behind it', async () => {
    const one = `POST /media HTTP/1.1\n${head('Content-Length: 2')}hi`
    const two = `POST /media HTTP/1.1\n${head('Transfer-Encoding: chunked')}2\nhi\n0\n\n`
    for (const request of [one, two, '']) expect(await answer(`${request}${smuggled}`, /200 OK/)).toContain('200 OK')
  })
})

describe('an upgrade', () => {
  it('is to version 13, and to no other', async () => {
    expect(await answer(upgrade('Sec-WebSocket-Version: 13'), /\n\r\n/)).toMatch(/^HTTP\/1.1 101 /)
    for (const lines of [['Sec-WebSocket-Version: 8'], ['Sec-WebSocket-Version: 14'], []])
      expect(await answer(upgrade(...lines), /\n\r\n/)).toMatch(/^HTTP\/1.1 426 [\s\S]*sec-websocket-version: 13/)
  })

  it('has no body', async () => {
    const empty = upgrade('Sec-WebSocket-Version: 13', 'Content-Length: 0')
    expect(await answer(empty, /\n\r\n/)).toMatch(/^HTTP\/1.1 101 /)
    for (const line of ['Content-Length: 5', 'Content-Length: 0\nContent-Length: 5', 'Transfer-Encoding: chunked'])
      expect(await answer(upgrade('Sec-WebSocket-Version: 13', line), /\n\r\n/)).toBe('')
  })
})
