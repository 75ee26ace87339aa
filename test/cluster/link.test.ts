import { describe, expect, it } from 'vitest'
import { frameBytes, pack, unpack } from '../../src/cluster/link/batch.ts'
import { queueBytes } from '../../src/cluster/link/outgoing.ts'
import { Pace } from '../../src/cluster/link/pace.ts'
import { handClock, pair, patient } from './pairs.ts'

const secret = (letter: string) => new TextEncoder().encode(letter.repeat(32))

describe('two nodes', () => {
  it('greet each other, and then frames go both ways, in their order', () => {
    const { a, b, arrive, greet } = pair({ secret: secret('s') }, { secret: secret('s') })
    greet()
    expect([a.said, b.said]).toEqual([['opened'], ['opened']])
    expect([a.link.peer?.name, b.link.peer?.name]).toEqual(['n2', 'n1'])
    for (const n of [1, 2, 3]) expect(a.link.send([40, n, 'x'])).toBe(true)
    b.link.send([41, new Uint8Array([1, 2])])
    arrive()
    expect(b.heard).toEqual([
      [40, 1, 'x'],
      [40, 2, 'x'],
      [40, 3, 'x'],
    ])
    expect(a.heard).toEqual([[41, Buffer.from([1, 2])]])
  })

  const strangers: readonly (readonly [string, Parameters<typeof pair>, RegExp])[] = [
    ['has another secret', [{ secret: secret('s') }, { secret: secret('t') }], /^it has another secret$/],
    ['has no secret', [{}, { secret: secret('t') }], /another secret/],
    ['is asked for none', [{ secret: secret('s') }, {}], /another secret/],
    [
      'is of another cluster',
      [{}, { hello: { cluster: 'coffee' } }],
      /is of the cluster (tea|coffee), and this one of/,
    ],
    ['has another number of shards', [{}, { hello: { shards: 256 } }], /has (1024|256) shards, and this one's/],
    ['is another start than was looked for', [{ hello: { to: 9 } }, {}], /an earlier or a later start of n2$/],
    ['is dead', [{}, { admits: 'it was marked dead' }], /it was marked dead/],
    ['is two releases ahead', [{}, { hello: { versions: [3, 4] } }], /one release at a time$/],
  ]
  it.each(strangers)('say why they do not go together: one %s', (_, [one, two], why) => {
    const { a, b, greet } = pair(one, two)
    greet()
    for (const { link, said } of [a, b]) {
      expect(link.isOpen).toBe(false)
      expect(said).toEqual(['ended', expect.stringMatching(/^refused: /)])
      expect(said[1]?.replace(/^refused: (it refuses: )?/, '')).toMatch(why)
    }
  })

  it('that are one release apart speak the older version', () => {
    const { a, b, greet } = pair({ hello: { versions: [1, 2] } }, { hello: { versions: [2, 3] } })
    greet()
    expect([a.link.version, b.link.version]).toEqual([2, 2])
  })

  it.each([
    ['a frame', pack([40, 'hello'])],
    ['more than a greeting has', pack([1, 'x'.repeat(5_000)])],
  ])('heed nothing of one that has not proved who it is, and sends %s', (_, bytes) => {
    const { b } = pair({}, { secret: secret('s') })
    b.link.received(bytes)
    expect([b.heard, b.said]).toEqual([[], ['ended', 'refused: it did not say who it is']])
  })

  it('heed nothing of one that proves itself with what the other said', () => {
    const { a, b, arrive } = pair({ secret: secret('x') }, { secret: secret('s') })
    arrive()
    const [, , , proof] = unpack(b.wire[0] ?? new Uint8Array()).at(0) ?? []
    b.link.received(pack([1, proof]))
    expect([b.link.isOpen, a.link.isOpen]).toEqual([false, false])
  })

  it.each([
    ['no MessagePack', new Uint8Array([0xc1])],
    ['no frame', new Uint8Array([0x01])],
    ['half a frame', pack([40, 'a long text']).subarray(0, 6)],
  ])('part where one sends %s', (_, bytes) => {
    const { b, greet } = pair()
    greet()
    b.link.received(bytes)
    expect(b.said).toEqual(['opened', 'cut', expect.stringMatching(/^closed: it sent what are no frames/)])
  })
})

describe('a link', () => {
  it('carries what one turn sends in as few batches as there can be', () => {
    const { a, b, arrive, greet } = pair()
    greet()
    const text = 'x'.repeat(1_000)
    for (let n = 0; n < 100; n++) a.link.send([40, n, text])
    arrive()
    expect(b.heard.map(([, n]) => n)).toEqual(Array.from({ length: 100 }, (_, n) => n))
    expect(a.link.sent).toEqual({ batches: 3, frames: 100, bytes: expect.any(Number) })
  })

  it('takes along what nobody waits for with the next frame that somebody waits for, in their order, or 20 ms later', () => {
    const { a, b, arrive, greet, pass } = pair()
    greet()
    a.link.send([patient, 1])
    pass(5)
    arrive()
    expect(b.heard).toEqual([])
    a.link.send([40, 2])
    arrive()
    expect(b.heard).toEqual([
      [patient, 1],
      [40, 2],
    ])
    a.link.send([patient, 3])
    pass(19)
    a.link.send([patient, 4])
    arrive()
    expect(b.heard).toHaveLength(2)
    pass(1)
    arrive()
    expect(b.heard.slice(2)).toEqual([
      [patient, 3],
      [patient, 4],
    ])
    expect(a.link.sent.batches).toBe(2)
  })

  it('waits while the wire takes no more, and keeps no more than its bound: hints go first', () => {
    const { a, b, arrive, greet } = pair()
    greet()
    a.takes = false
    const frame = [40, 'x'.repeat(100_000)] as const
    a.link.send(frame)
    arrive()
    let taken = 0
    while (a.link.hint(frame)) taken += 1
    expect(taken).toBe(20)
    while (a.link.send(frame)) taken += 1
    expect([taken, a.link.waiting <= queueBytes, a.link.hint(frame)]).toEqual([41, true, false])
    arrive()
    expect(b.heard).toHaveLength(1)
    a.takes = true
    a.link.drained()
    for (let times = 0; times < 50; times++) arrive()
    expect([b.heard.length, a.link.waiting]).toEqual([42, 0])
  })

  it('refuses a frame that is too large for any link', () => {
    const { a, greet } = pair()
    greet()
    expect(() => a.link.send([40, 'x'.repeat(frameBytes)])).toThrow(RangeError)
  })

  it('takes nothing before it is open, or when it has closed', () => {
    const { a, greet } = pair()
    expect(a.link.send([40])).toBe(false)
    greet()
    expect(a.link.send([40])).toBe(true)
    a.link.close('enough')
    expect(a.link.send([40])).toBe(false)
  })

  it('tells each second that its node lives, and closes when the other was not heard of for six', () => {
    const { a, b, arrive, greet, pass } = pair()
    greet()
    for (let second = 0; second < 10; second++) {
      pass(1_000)
      for (const { link } of [a, b]) link.tick()
      arrive()
    }
    expect([a.beats.length, a.beats[0], a.link.isOpen]).toEqual([10, [true, 7], true])
    for (let second = 1; second <= 6; second++) {
      expect(a.link.isOpen).toBe(true)
      pass(1_000)
      a.link.tick()
    }
    expect(a.said).toEqual(['opened', 'cut', 'closed: it was not heard of for 6 s'])
  })

  it('does not wait for ever for one that does not greet', () => {
    const { a, pass } = pair()
    pass(6_000)
    a.link.tick()
    expect(a.said).toEqual(['cut', 'closed: it was not heard of for 6 s'])
  })

  it('leaves what it does not know to its user, and fields that a later version adds', () => {
    const { a, b, arrive, greet } = pair()
    greet()
    b.link.send([99, 'new'])
    b.link.send([2, true, 7, 'more'])
    arrive()
    expect([a.heard, a.beats]).toEqual([[[99, 'new']], [[true, 7, 'more']]])
  })
})

describe('the pace of flushes', () => {
  it('is that of turns where a node has little to do, and a thousand a second where it has much; none waits over 20 ms', () => {
    const { clock, turn, pass } = handClock()
    const pace = new Pace(clock)
    const flushed: number[] = []
    const links = Array.from({ length: 150 }, (_, n) => () => void flushed.push(n))
    for (const link of links) pace.ask(link)
    turn()
    expect(flushed).toHaveLength(100)
    pass(10)
    expect(flushed).toHaveLength(110)
    pass(10)
    expect(flushed).toEqual(links.map((_, n) => n))
  })

  it('flushes each once a turn, however often it asks', () => {
    const { clock, turn } = handClock()
    const pace = new Pace(clock)
    let flushes = 0
    const flush = () => {
      flushes += 1
    }
    for (let times = 0; times < 5; times++) pace.ask(flush)
    turn()
    expect(flushes).toBe(1)
  })
})
