import { describe, expect, it } from 'vitest'
import { markdown, type Row } from '../../bench/peers/table.ts'
import type { Client } from '../../bench/peers/user.ts'
import { type WireName, wires } from '../../bench/peers/wires.ts'

const body = `${'0000000007'}${'0000000012345.678'.slice(-16)}xxxx`
const mqttPublish = (topic: string, id: number, payload: string): Buffer => {
  const rest = Buffer.from(
    `\0${String.fromCharCode(topic.length)}${topic}\0${String.fromCharCode(id)}${payload}`,
    'latin1',
  )
  return Buffer.concat([Buffer.from([0x32, rest.length]), rest])
}

/** What each server says to u1: that it may send, that its message is taken, that one has come, and that the other has up to 3. */
const said: Record<
  WireName,
  {
    readonly live: Buffer[]
    readonly taken: Buffer
    readonly body: Buffer
    readonly heard: Buffer
  }
> = {
  socketIo: {
    live: [Buffer.from('0{"sid":"s"}'), Buffer.from('40{"sid":"t"}')],
    taken: Buffer.from('430[5,1700000000000]'),
    body: Buffer.from(`425["message",9,"u0","${body}",1700000000000]`),
    heard: Buffer.from('42["delivered","u0","u1-3"]'),
  },
  mqtt: {
    live: [Buffer.from([0x20, 2, 0, 0]), Buffer.from([0x90, 4, 0, 1, 1, 1])],
    taken: Buffer.from([0x40, 2, 0, 2]),
    body: mqttPublish('i/u1/u0', 9, body),
    heard: mqttPublish('r/u1/u0', 9, '3'),
  },
  centrifugo: {
    live: [Buffer.from('{"id":1,"connect":{}}'), Buffer.from('{"id":2,"subscribe":{}}\n{"id":3,"subscribe":{}}')],
    taken: Buffer.from('{"id":4,"publish":{}}'),
    body: Buffer.from(`{"push":{"channel":"in:u1","pub":{"data":{"b":"${body}"}}}}`),
    heard: Buffer.from('{"push":{"channel":"rc:u1","pub":{"data":{"n":3}}}}'),
  },
  nats: {
    live: [Buffer.from('INFO {}\r\n'), Buffer.from('MSG _I.u1.s 1 2\r\n{}\r\nMSG _I.u1.c 1 2\r\n{}\r\n')],
    taken: Buffer.from('MSG _I.u1.p 1 2\r\n{}\r\n'),
    body: Buffer.from(`MSG i.u1 2 $JS.ACK ${body.length}\r\n${body}\r\n`),
    heard: Buffer.from('MSG r.u1 3 1\r\n3\r\n'),
  },
}

/** A user of that server, and what became of it. */
function user(name: WireName): { client: Client; told: string[]; put: Buffer[] } {
  const told: string[] = []
  const put: Buffer[] = []
  const client = wires[name].client({
    name: 'u1',
    peer: 'u0',
    isSender: false,
    upTo: 7,
    put: (data) => void put.push(Buffer.from(data as string, 'latin1')),
    taken: () => void told.push('taken'),
    received: (text) => void told.push(`received ${text}`),
    heard: (number) => void told.push(`heard ${number}`),
    ready: () => void told.push('ready'),
    closed: (reason) => void told.push(`closed ${reason}`),
  })
  return { client, told, put }
}

describe.each(Object.keys(said) as WireName[])('the wire of %s', (name) => {
  const { live, taken, body: came, heard } = said[name]

  it('says when its user may send, what is taken, what has come, and what the other has', () => {
    const { client, told } = user(name)
    client.opened()
    for (const bytes of live) client.message(bytes)
    expect(told).toEqual(['ready'])
    client.send(1, body)
    for (const bytes of [taken, came, heard]) client.message(bytes)
    expect(told.slice(1)).toEqual(['taken', `received ${body}`, 'heard 3'])
  })

  it('answers what has come with one receipt', () => {
    const { client, put } = user(name)
    client.opened()
    for (const bytes of live) client.message(bytes)
    client.message(came)
    client.idle?.()
    const before = put.length
    client.idle?.()
    expect(put).toHaveLength(before)
    expect(put.at(-1)?.toString('latin1')).toMatch(/7|^435\[\]$/)
  })
})

it.each(['mqtt', 'nats'] as const)('takes messages of %s that come in parts', (name) => {
  const { body: came, heard } = said[name]
  for (let cut = 1; cut < came.length + heard.length; cut++) {
    const { client, told } = user(name)
    const all = Buffer.concat([came, heard])
    for (const part of [all.subarray(0, cut), all.subarray(cut)]) client.message(part)
    expect(told, `cut at ${cut}`).toEqual([`received ${body}`, 'heard 3'])
  }
})

it('puts the servers into one table, with ratios to Bluetick and what could not be had', () => {
  const row = (name: string, messages_per_second: number, held: boolean): Row => ({
    name,
    durable: 'yes',
    configuration: 'as it comes',
    version: '1.2',
    messages_per_second,
    cpu_us_per_message: 50,
    rates: [2_000, 300].map((rate) => ({
      rate,
      held,
      cpu_us_per_message: 200,
      delivered_p50_ms: 1,
      delivered_p99_ms: 2.5,
    })),
  })
  const text = markdown({
    date: '2026-01-01T00:00:00.000Z',
    machine: { cpu: 'cpu', cores: 2, memory_bytes: 0, kernel: '6', node: 'v20', packages: {} },
    load: { pairs: 200, inFlight: 8, body: 200, generators: 2, seconds: 5 },
    rows: [row('Bluetick', 20_000, true), row('Other', 10_000, false)],
    absent: [{ name: 'Third', why: 'not installed; get it with: apt-get install third' }],
  })
  expect(text).toContain('| Bluetick | yes | 20,000 (1 ×) | 50 (1 ×) | 200 (1 ×) | 1 / 2.50 | 200 (1 ×) | 1 / 2.50 |')
  expect(text).toContain('| Other | yes | 10,000 (0.50 ×) | 50 (1 ×) | not held |  | not held |  |')
  expect(text).toContain('- **Other** (1.2): as it comes.')
  expect(text).toContain('- **Third** was not measured: not installed; get it with: apt-get install third.')
})
