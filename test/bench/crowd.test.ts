/** The users of a generator leave so that those of the next run find their ports free. */
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer, type Socket } from 'node:net'
import { afterAll, expect, it } from 'vitest'
import { close, open } from '../../bench/crowd.ts'
import { needs } from '../skips.ts'

const users = 20
const server = createServer((socket: Socket) => {
  socket.on('error', () => {})
  // As a server that closes when the other side does.
  socket.on('end', () => socket.end())
  socket.once('data', () => socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n'))
})
afterAll(() => server.close())

const connections = () => new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count)))
/** States of the ends that users at 127.0.0.2 have of what has come to this port, as Linux lists them. 06: it is in nobody's use, for a minute. */
const states = (port: number) => {
  const remote = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const rows = readFileSync('/proc/net/tcp', 'utf8').split('\n')
  return rows
    .map((row) => row.trim().split(/\s+/))
    .flatMap(([, own, to, state]) => (own?.startsWith('0200007F') && to === remote ? [state] : []))
}

it('no port of theirs stays behind', needs('Linux', process.platform === 'linux', 'a machine with Linux'), async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const target = { host: '127.0.0.1', port, relay: true }
  await open({ target, prefix: 'leaves-', from: 0, count: users }, () => {})
  expect(states(port)).toHaveLength(users)
  close()
  await expect.poll(connections).toBe(0)
  expect(states(port)).toEqual([])
})
