/** A node that is killed with -9 and started anew: what was written to a sealed group before, meanwhile and after comes to all, and can be read. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { e2ee } from '../../src/client/e2ee/index.ts'
import { connect } from '../../src/client/index.ts'
import { serve } from '../contracts/kill.ts'
import { freePort } from '../ports.ts'

let server: ChildProcess | undefined
afterEach(() => server?.kill('SIGKILL'))

it('goes on with the same group and the same keys', async () => {
  const port = await freePort()
  const options = ['--data', mkdtempSync(join(tmpdir(), 'bluetick-sealed-groups-')), '--e2ee', 'allowed']
  server = await serve(port, options)
  const clients = ['alice', 'bob', 'carol'].map((token) =>
    connect({ url: `ws://127.0.0.1:${port}`, token, e2ee: e2ee() }),
  )
  const [alice, bob, carol] = clients as [(typeof clients)[0], (typeof clients)[0], (typeof clients)[0]]
  for (const client of clients) await client.e2ee?.place()
  const got = new Map<unknown, string[]>()
  const read = async (client: typeof alice) => {
    for await (const { change, body, sealed } of client.messages())
      if (!change && sealed) got.set(client, [...(got.get(client) ?? []), String(body)])
  }
  for (const client of clients) void read(client)
  const group = await alice.createGroup('team', ['bob', 'carol'])
  await alice.send(group, 'before')
  const ended = once(server, 'exit')
  server.kill('SIGKILL')
  await ended
  await bob.queue(group, 'meanwhile')
  server = await serve(port, options)
  for (const client of clients) client.retryNow()
  await carol.send(group, 'after')
  const all = (client: typeof alice) => (got.get(client) ?? []).toSorted()
  await expect.poll(() => all(alice), { timeout: 120_000 }).toEqual(['after', 'meanwhile'])
  await expect.poll(() => all(bob), { timeout: 120_000 }).toEqual(['after', 'before'])
  await expect.poll(() => all(carol), { timeout: 120_000 }).toEqual(['before', 'meanwhile'])
  for (const client of clients) await client.close()
})
