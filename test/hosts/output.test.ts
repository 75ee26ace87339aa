/** What goes out to clients, and when. */
import { expect, it } from 'vitest'
import { Counts } from '../../src/embed/counts.ts'
import { Output } from '../../src/hosts/sessions/output.ts'
import type { ServerFrame } from '../../src/protocol/frames.ts'
import { byHand } from './byhand.ts'
import { aClient } from './clients.ts'

const pong = (n: number): ServerFrame => ['pong', n]

function output() {
  const { runtime, turn } = byHand()
  const client = aClient()
  client.open = true
  return { output: new Output(runtime.turns, new Counts()), client, turn }
}

it('frames of one lap are one WebSocket message, in their order, and those of the next another', async () => {
  const { output: out, client, turn } = output()
  for (const n of [1, 2, 3]) out.push(client, pong(n))
  expect(client.heard).toEqual([])
  await turn()
  out.push(client, pong(4))
  await turn()
  expect(client.heard).toEqual([[pong(1), pong(2), pong(3)], [pong(4)]])
})

it('what answers a WebSocket message at once does not wait for the end of the turn', () => {
  const { output: out, client } = output()
  out.corked(client, () => {
    out.push(client, pong(1))
    out.push(client, pong(2))
  })
  expect(client.heard).toEqual([[pong(1), pong(2)]])
})

it('what answers at once does not overtake what waits for the end of the turn', async () => {
  const { output: out, client, turn } = output()
  out.push(client, pong(1))
  out.corked(client, () => out.push(client, pong(2)))
  await turn()
  expect(client.heard).toEqual([[pong(1), pong(2)]])
})

it('a session that is closed is sent first what waits for it, and nothing after', async () => {
  const { output: out, client, turn } = output()
  out.push(client, pong(1))
  out.close(client, 'going_away')
  out.push(client, pong(2))
  out.close(client, 'banned')
  await turn()
  expect([client.heard, client.closed]).toEqual([[[pong(1)]], [3000, 'going_away']])
})

it('a client that does not read is closed as too slow, and is sent nothing more', async () => {
  const { output: out, client, turn } = output()
  client.reads = false
  out.push(client, pong(1))
  await turn()
  expect(client.closed).toEqual([3002, 'too_slow'])
  client.reads = true
  out.push(client, pong(2))
  await turn()
  expect(client.heard).toEqual([])
})

it('what answers at once goes out, also where a frame behind it meets a fault; and later frames do', async () => {
  const { output: out, client, turn } = output()
  const fail = () => {
    out.push(client, pong(1))
    throw new Error('a fault')
  }
  expect(() => out.corked(client, fail)).toThrow('a fault')
  out.push(client, pong(2))
  await turn()
  expect(client.heard).toEqual([[pong(1)], [pong(2)]])
})

it('a session that cannot be sent its frames is closed, and comes back for them; the others get theirs', async () => {
  const { output: out, client, turn } = output()
  const other = aClient()
  other.open = true
  client.send = () => {
    throw new Error('the socket is in no state for that')
  }
  for (const each of [client, other]) out.push(each, pong(1))
  await expect(turn()).rejects.toThrow('the socket is in no state for that')
  expect([client.closed, other.heard]).toEqual([[3001, 'restarted'], [[pong(1)]]])
})

it('what may be lost is, where 32 frames go in one turn already; all else goes', async () => {
  const { output: out, client, turn } = output()
  for (let n = 0; n < 40; n++) out.hint(client, ['typing', 'ben', 1] as never)
  for (let n = 0; n < 8; n++) out.push(client, pong(n))
  await turn()
  expect(client.heard[0]).toHaveLength(40)
  out.hint(client, ['typing', 'ben', 1] as never)
  await turn()
  expect(client.heard[1]).toHaveLength(1)
})

it('an error says in words what it is, and when to come again: as the table says, later where that was told, a turn exactly', async () => {
  const { output: out, client, turn } = output()
  const refused = (code: 'busy' | 'refused' | 'rate_limited', told: number) =>
    out.push(client, ['error', code, 'send', 'm1', told, ''])
  for (const told of [0, 900]) refused('busy', told)
  for (const told of [0, 40]) refused('rate_limited', told)
  refused('refused', 40)
  await turn()
  expect(client.heard.flat().map((frame) => (frame as unknown[])[4])).toEqual([500, 900, 1_000, 40, 0])
  expect(client.heard[0]?.[4]).toEqual(['error', 'refused', 'send', 'm1', 0, 'this node does not allow that message'])
})
