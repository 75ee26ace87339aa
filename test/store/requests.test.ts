/** The bound on requests to a cluster: what is over it waits its turn, but not without end. */
import type { Client } from 'cassandra-driver'
import { describe, expect, it } from 'vitest'
import { health } from '../../src/store/cassandra/health.ts'
import { defaultRequestLimits, Places } from '../../src/store/cassandra/places.ts'
import { Requests } from '../../src/store/cassandra/requests.ts'
import { Stamps } from '../../src/store/cassandra/stamps.ts'

/** A driver whose answers are given by hand. */
function slow() {
  const open: (() => void)[] = []
  const execute = () => new Promise((resolve) => open.push(() => resolve({ rows: [], pageState: null })))
  return { client: { execute } as unknown as Client, open }
}
const settled = () => new Promise((resolve) => setTimeout(resolve, 5))

describe('the health of a cluster', () => {
  it('is not that it can be read: where the last write failed, one is tried', async () => {
    let failing = false
    let writes = 0
    const client = {
      execute: async () => ({ rows: [], pageState: null }),
      batch: async () => {
        writes += 1
        if (failing) throw new Error('no host takes a write')
      },
    }
    const requests = new Requests(client as unknown as Client, new Places(defaultRequestLimits), new Stamps(1))
    expect(await health(requests)).toEqual({ ok: true })
    expect(writes).toBe(0)
    failing = true
    await expect(requests.write([])).rejects.toMatchObject({ code: 'unavailable' })
    for (let n = 0; n < 2; n++)
      expect(await health(requests)).toEqual({ ok: false, reason: expect.stringContaining('no host takes a write') })
    failing = false
    expect(await health(requests)).toEqual({ ok: true })
    expect(await health(requests)).toEqual({ ok: true })
    expect(writes).toBe(4)
  })
})

describe('requests to a cluster', () => {
  it('are bounded: the others have their turn in the order in which they came', async () => {
    const { client, open } = slow()
    const requests = new Requests(client, new Places({ inFlight: 2, queued: 10, queueMs: 1_000 }), new Stamps(1))
    const done: number[] = []
    const all = [1, 2, 3, 4, 5].map((n) => requests.rows('SELECT', []).then(() => done.push(n)))
    await settled()
    expect(open).toHaveLength(2)
    for (let answered = 0; answered < 5; answered++) {
      open[answered]?.()
      await settled()
      expect(open).toHaveLength(Math.min(5, answered + 3))
    }
    await Promise.all(all)
    expect(done).toEqual([1, 2, 3, 4, 5])
    await requests.idle()
  })

  it('fail at once when too many wait', async () => {
    const { client, open } = slow()
    const requests = new Requests(client, new Places({ inFlight: 1, queued: 1, queueMs: 1_000 }), new Stamps(1))
    const [first, second] = [requests.rows('SELECT', []), requests.rows('SELECT', [])]
    await expect(requests.rows('SELECT', [])).rejects.toMatchObject({
      code: 'unavailable',
      message: 'the cluster is too slow: 1 requests wait already',
    })
    open[0]?.()
    await first
    await settled()
    open[1]?.()
    await second
  })

  it('fail when they have waited too long, and make way for those that have not', async () => {
    const { client, open } = slow()
    const requests = new Requests(client, new Places({ inFlight: 1, queued: 10, queueMs: 30 }), new Stamps(1))
    const first = requests.rows('SELECT', [])
    const tooLong = expect(requests.rows('SELECT', [])).rejects.toMatchObject({ code: 'unavailable' })
    await new Promise((resolve) => setTimeout(resolve, 50))
    const late = requests.rows('SELECT', [])
    open[0]?.()
    await first
    await tooLong
    await settled()
    open[1]?.()
    await late
    await requests.idle()
  })
})
