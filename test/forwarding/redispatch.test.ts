/** What docs/deploy/haproxy.cfg does in the second in which a node is dead and HAProxy has not found out. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { haproxy, needsHaproxy, stopProxies } from '../gateway/proxy.ts'

const open: (() => void)[] = []
afterEach(() => {
  stopProxies()
  for (const close of open.splice(0)) close()
})

/** Answers each request with its name: as much of a node as HAProxy sees. */
async function stub(name: string) {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('data', (data) => {
      if (data.includes('HTTP/1.1\r\n'))
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${name.length}\r\n\r\n${name}`)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  /** As by kill -9: its sockets drop, and its port takes nobody. */
  const die = () => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  open.push(die)
  return { name, port: (server.address() as AddressInfo).port, die }
}

it('a client whose node has just died, which it names, comes by another one at once', needsHaproxy, async () => {
  const nodes = [await stub('n1'), await stub('n2'), await stub('n3')]
  let config = readFileSync('docs/deploy/haproxy.cfg', 'utf8').replace('bind :8080', 'bind BIND')
  for (const { name, port } of nodes)
    config = config.replace(new RegExp(`server ${name} .*`), `server ${name} 127.0.0.1:${port}`)
  // It is asked so seldom that HAProxy cannot know of its death.
  config = config.replace(/inter \d+s/, 'inter 600s')
  const url = `http://127.0.0.1:${await haproxy(config)}/?node=n2`
  /** A connection of its own. */
  const come = async () => (await fetch(url, { headers: { connection: 'close' } })).text()
  expect(new Set(await Promise.all(Array.from({ length: 10 }, come)))).toEqual(new Set(['n2']))
  nodes[1]?.die()
  const others = await Promise.all(Array.from({ length: 10 }, come))
  expect(new Set([...others, 'n1', 'n3'])).toEqual(new Set(['n1', 'n3']))
})
