/** The end of a node in the middle of transfers: it waits for nobody who does not send, does not read, or cannot write. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { connect as dial, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createNode, fileMedia, type MediaStore, memoryStore } from '../../src/index.ts'
import { idOf } from '../contracts/media.ts'

const content = randomBytes(8_000_000)
const id = idOf(content)
let path: string
let node: ReturnType<typeof createNode>
let port: number
const sockets: Socket[] = []
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'bluetick-closing-'))
})
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await node.close()
})

async function start(media: MediaStore = fileMedia(path)): Promise<void> {
  node = createNode({ store: memoryStore(), media })
  port = (await node.listen({ port: 0 })).port
}

/** A request whose answer is not read, and of whose body comes what is given. */
function ask(method: string, headers: Record<string, string> = {}, body = new Uint8Array()): Socket {
  const socket = dial(port, '127.0.0.1').on('error', () => {})
  const all = Object.entries({ host: `127.0.0.1:${port}`, authorization: 'Bearer alice', ...headers })
  socket.write(`${method} /media/${id} HTTP/1.1\r\n${all.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`)
  socket.write(body)
  sockets.push(socket)
  return socket
}
/** Cut off, or ended. */
const closed = (socket: Socket) => new Promise((resolve) => socket.once('close', resolve))
const length = { 'content-length': String(content.length) }
const put = (from = 0) =>
  fetch(`http://127.0.0.1:${port}/media/${id}`, {
    method: 'PUT',
    headers: {
      authorization: 'Bearer alice',
      ...(from > 0 && { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` }),
    },
    body: content.subarray(from),
  })
const begun = async () => {
  const answer = await fetch(`http://127.0.0.1:${port}/media/${id}`, {
    method: 'HEAD',
    headers: { authorization: 'Bearer alice' },
  })
  return Number(answer.headers.get('upload-offset'))
}

it('an upload of which no more comes ends, and what has come is there for the next node to go on with', async () => {
  await start()
  const socket = ask('PUT', length, content.subarray(0, 100_000))
  await expect.poll(begun).toBe(100_000)
  const gone = closed(socket)
  await Promise.all([node.close(), gone])
  await start()
  const come = await begun()
  expect(come).toBe(100_000)
  expect((await put(come)).status).toBe(201)
})

it('a download that nobody reads ends', async () => {
  await start()
  await put()
  const socket = ask('GET')
  await once(socket, 'readable')
  const gone = closed(socket)
  await node.close()
  socket.resume()
  await gone
})

it('an upload that the disk does not take ends without it', async () => {
  const files = fileMedia(path)
  let writing = () => {}
  const isWriting = new Promise<void>((resolve) => {
    writing = resolve
  })
  const begin = files.begin.bind(files)
  files.begin = async (...given) => {
    const upload = await begin(...given)
    upload.write = () => {
      writing()
      return new Promise(() => {})
    }
    return upload
  }
  await start(files)
  const socket = ask('PUT', length, content)
  await isWriting
  const gone = closed(socket)
  await Promise.all([node.close(), gone])
})
