/**
 * A real server process killed with -9 at random moments while people write: a service hears of each message that got a sent tick, and of
 * those that one user got in their order.
 */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { connect } from '../../src/client/index.ts'
import { receiver, secret } from '../operations/webhooks/receiver.ts'
import { freePort } from '../ports.ts'
import { serve } from './kill.ts'

const rounds = 4
/** Nobody of the kill test, whose store this may be: their devices get copies of what others never read. */
const users = ['eva', 'fay', 'gus']
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** `store`: the options of `bluetick serve` that name it. */
export function webhooksTest(name: string, store: () => readonly string[]): void {
  it(`${name}: of each message that was told sent a service hears, in order, in ${rounds} rounds of kill -9`, async () => {
    const service = await receiver()
    const file = join(mkdtempSync(join(tmpdir(), 'bluetick-hooks-')), 'secret')
    writeFileSync(file, `${secret}\n`)
    const port = await freePort()
    const options = [...store(), '--webhook-url', service.url, '--webhook-secret-file', file]
    let server = await serve(port, options)
    onTestFinished(() => void server.kill('SIGKILL'))
    const clients = users.map((token) => connect({ url: `ws://127.0.0.1:${port}`, token, device: 'test' }))
    for (const client of clients)
      void (async () => {
        for await (const message of client.messages()) message.read()
      })()
    const safe = new Set<string>()
    let sending = true
    const senders = clients.map(async (client, at) => {
      for (let n = 0; sending; n++) {
        const { id } = await client.queue(users[(at + 1 + (n % 2)) % users.length] as string, String(n))
        const sent = client.reached(id, 'sent').then(() => void safe.add(id))
        if (n % 20 === 0) await sent
        await sleep(Math.random() * 4)
      }
    })
    for (let round = 0; round < rounds; round++) {
      const before = safe.size
      await expect.poll(() => safe.size, { interval: 5 }).toBeGreaterThan(before + 10)
      await sleep(Math.random() * 100)
      const ended = new Promise((resolve) => server.once('exit', resolve))
      server.kill('SIGKILL')
      await ended
      server = await serve(port, options)
      for (const client of clients) client.retryNow()
    }
    sending = false
    await Promise.all(senders)
    const open = async () =>
      (await Promise.all(clients.map((client) => client.outbox()))).flat().map(({ to, state }) => `${state} to ${to}`)
    await expect.poll(open).toEqual([])
    const heard = () => new Set(service.of('message.accepted').map(({ data }) => data['id']))
    await expect.poll(() => [...safe].filter((id) => !heard().has(id))).toEqual([])
    for (const to of users) {
      const places = new Map(
        service
          .of('message.accepted')
          .filter(({ data }) => data['to'] === to)
          .map(({ id, data }) => [id, (data['at'] as { seq: number }).seq]),
      )
      const seqs = [...places.values()]
      expect(seqs).toEqual([...seqs].sort((a, b) => a - b))
    }
    expect(service.wrong).toEqual([])
    for (const client of clients) await client.close()
  }, 300_000)
}
