/** Files that wait for a connection. No sockets and no time: the test is the network. */
import { afterEach, expect, it, vi } from 'vitest'
import { settle, World } from './world.ts'

afterEach(() => vi.unstubAllGlobals())

/** HTTP that finds nobody until it does. */
function network() {
  const net = { tries: 0, answers: (): Promise<Response> => Promise.reject(new TypeError('fetch failed')) }
  vi.stubGlobal('fetch', () => {
    net.tries += 1
    return net.answers()
  })
  return net
}
const medium = { id: 'a'.repeat(64), size: 3, type: 'image/png' }

it('a file that waits is sent as soon as the session is open, not at its own next try', async () => {
  const world = new World()
  const net = network()
  const client = world.connect()
  await settle()
  world.link.lose()
  const sent = client.upload(new Uint8Array([1, 2, 3]))
  // The hash is made on another thread.
  await expect.poll(() => net.tries).toBe(1)
  await world.clock.pass(20_000)
  const before = net.tries
  await world.clock.pass(5_000)
  expect(net.tries, 'in the middle of its longest wait').toBe(before)
  net.answers = async () => Response.json(medium, { status: 201 })
  await world.welcomed()
  expect(await sent).toEqual(medium)
  expect(net.tries).toBe(before + 1)
  await client.close()
})

it('one that the node told to come back later does so then, whatever becomes of the session', async () => {
  const world = new World()
  const net = network()
  const client = await world.online()
  net.answers = async () => Response.json({ error: 'busy' }, { status: 503, headers: { 'retry-after': '8' } })
  const sent = client.upload(new Uint8Array([1, 2, 3]))
  await expect.poll(() => net.tries).toBe(1)
  await settle()
  world.link.lose()
  await world.clock.pass(5_000)
  net.answers = async () => Response.json(medium, { status: 201 })
  await world.welcomed()
  expect(net.tries).toBe(1)
  await world.clock.pass(4_000)
  expect(await sent).toEqual(medium)
  await client.close()
})
