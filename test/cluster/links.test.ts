/** Nodes with links over real sockets. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { LinkTls } from '../../src/cluster/link/grpc.ts'
import { type LinkOptions, Links } from '../../src/cluster/link/links.ts'
import { systemClock } from '../../src/runtime/index.ts'
import type { MemberRow } from '../../src/store/contract.ts'
import { needs } from '../skips.ts'

const secret = new TextEncoder().encode('a secret of thirty-two characters')
const all: Links[] = []
afterEach(() => {
  for (const links of all.splice(0)) links.close()
})

function links(life: number, more: Partial<LinkOptions> = {}, name = `n${life}`) {
  const said: string[] = []
  const heard: unknown[] = []
  const dead = new Set<number>()
  const options = { clock: systemClock, cluster: 'tea', shards: 1_024, host: '127.0.0.1', port: 0, secret, tls: null }
  const made = new Links(
    { ...options, name, life, ...more },
    {
      beat: () => [true],
      isDead: (life) => dead.has(life),
      opened: ({ peer }) => void said.push(`opened ${peer?.name}`),
      heard: (_, frame) => void heard.push(frame),
      isPatient: () => false,
      beaten: ({ peer }, [valid]) => void said.push(`beat of ${peer?.name}: ${valid}`),
      lost: ({ peer }) => void said.push(`lost ${peer?.name}`),
      warned: (text) => void said.push(text),
    },
  )
  all.push(made)
  return { links: made, said, heard, dead, life, name }
}
const row = (life: number, port: number, name = `n${life}`): MemberRow => ({
  life,
  name,
  state: 'up',
  dc: 'dc1',
  link: `localhost:${port}`,
  proto: 1,
})

/** Nodes of these lives that know of each other. */
async function connected(...nodes: readonly ReturnType<typeof links>[]): Promise<MemberRow[]> {
  const rows: MemberRow[] = []
  for (const { links, life, name } of nodes) rows.push(row(life, await links.listen(), name))
  for (const { links } of nodes) links.keep(rows)
  return rows
}
const soon = (said: readonly string[], text: string | RegExp) =>
  expect.poll(() => said.join('\n')).toMatch(typeof text === 'string' ? new RegExp(text) : text)

describe('nodes', () => {
  it('have one link with each other, which the older one dials; frames go both ways', async () => {
    const nodes = [links(1), links(2), links(3)] as const
    await connected(...nodes)
    for (const { links, life } of nodes)
      await expect
        .poll(() => links.open.map(({ peer }) => peer?.life).sort())
        .toEqual([1, 2, 3].filter((n) => n !== life))
    nodes[2].links.to(1)?.send([40, 'to one'])
    nodes[0].links.to(3)?.send([40, 'to three'])
    await expect.poll(() => [nodes[0].heard, nodes[2].heard]).toEqual([[[40, 'to one']], [[40, 'to three']]])
    await soon(nodes[1].said, 'beat of n1: true')
  })

  it('take much at once, whole and in its order', async () => {
    const [a, b] = [links(1), links(2)]
    await connected(a, b)
    await soon(a.said, 'opened n2')
    const count = 20_000
    const text = 'x'.repeat(250)
    for (let n = 0; n < count; ) {
      if (a.links.to(2)?.send([40, n, text])) n += 1
      else await new Promise((resolve) => setImmediate(resolve))
    }
    await expect.poll(() => b.heard.length).toBe(count)
    expect(b.heard.every((frame, n) => (frame as unknown[])[1] === n)).toBe(true)
    const { batches = 0, frames = 0 } = a.links.to(2)?.sent ?? {}
    expect(frames / batches).toBeGreaterThan(100)
  })

  it('find each other again when one is back, as another life under its name', async () => {
    const [a, b] = [links(1), links(2)]
    const [first, second] = (await connected(a, b)) as [MemberRow, MemberRow]
    await soon(a.said, 'opened n2')
    b.links.close()
    await soon(a.said, 'lost n2')
    const again = links(5, {}, 'n2')
    const port = await again.links.listen()
    a.links.keep([first, { ...second, life: 5, link: `localhost:${port}` }])
    await soon(again.said, 'opened n1')
    await expect.poll(() => a.links.open.map(({ peer }) => peer?.life)).toEqual([5])
  })

  it('are told why there is no link: another secret, a dead life, nobody there', async () => {
    const [a, b, c] = [links(1), links(2, { secret: new Uint8Array(32) }), links(3)]
    c.dead.add(1)
    const rows = await connected(a, b, c)
    a.links.keep([...rows, row(9, 1)])
    await soon(a.said, /no link with n2 at localhost:\d+: it has another secret/)
    await soon(b.said, 'no link with n1: it refuses: it has another secret')
    await soon(a.said, /no link with n3 at localhost:\d+: it refuses: this start of n1 was marked dead: start it anew/)
    await soon(a.said, 'no link with n9 at localhost:1: .*')
    expect(a.links.open).toEqual([])
  })

  it('are told when their clocks are far apart', async () => {
    const [a, b] = [links(1), links(2, { clock: { ...systemClock, now: () => Date.now() + 3_600_000 } })]
    await connected(a, b)
    await soon(a.said, 'the clocks of n2 and of this node are 3600 s apart: set them')
  })
})

describe('links', () => {
  it('do not listen off the loopback without a secret or certificates', () => {
    for (const host of ['0.0.0.0', '::', '10.0.0.1', 'n1.example.org'])
      expect(() => links(1, { host, secret: null })).toThrow(/would take anybody for a node of the cluster/)
    for (const host of ['127.0.0.1', '127.3.2.1', 'localhost', '::1'])
      expect(() => links(1, { host, secret: null })).not.toThrow()
    expect(() => links(1, { host: '0.0.0.0' })).not.toThrow()
    expect(() => links(1, { secret: secret.subarray(0, 31) })).toThrow(/has 32 bytes at least: make one with: openssl/)
  })

  it('say what to do where their port is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as { port: number }
    await expect(links(1, { port }).links.listen()).rejects.toThrow(
      new RegExp(`^Links cannot listen on 127.0.0.1:${port} \\(.*\\); choose another port, or stop what has it.$`, 's'),
    )
    server.close()
  })
})

describe('with certificates', needs('openssl', existsSync('/usr/bin/openssl'), 'apt-get install openssl'), () => {
  const folder = mkdtempSync(join(tmpdir(), 'bluetick-links-'))
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
  const authority = (name: string) =>
    openssl(
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '2',
      '-subj',
      `/CN=${name}`,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.pem`,
    )
  /** For this host, by that authority. */
  function certificate(name: string, by: string, host = 'localhost'): LinkTls {
    writeFileSync(join(folder, 'ext'), `subjectAltName=DNS:${host}\n`)
    openssl(
      'req',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-subj',
      `/CN=${name}`,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
    )
    openssl(
      'x509',
      '-req',
      '-days',
      '2',
      '-in',
      `${name}.csr`,
      '-CA',
      `${by}.pem`,
      '-CAkey',
      `${by}.key`,
      '-CAcreateserial',
      '-extfile',
      'ext',
      '-out',
      `${name}.pem`,
    )
    const file = (suffix: string) => join(folder, `${name}.${suffix}`)
    return { ca: join(folder, 'ours.pem'), cert: file('pem'), key: file('key') }
  }
  let [one, two, stranger, elsewhere]: LinkTls[] = []
  beforeAll(() => {
    for (const name of ['ours', 'theirs']) authority(name)
    one = certificate('one', 'ours')
    two = certificate('two', 'ours')
    stranger = certificate('stranger', 'theirs')
    elsewhere = certificate('elsewhere', 'ours', 'other.example.org')
  })
  afterAll(() => rmSync(folder, { recursive: true }))
  const by = (tls: LinkTls | undefined): Partial<LinkOptions> => ({ secret: null, tls: tls ?? null })

  it('nodes of one authority have links', async () => {
    const [a, b] = [links(1, { ...by(one), host: 'localhost' }), links(2, by(two))]
    await connected(a, b)
    await soon(a.said, 'opened n2')
    a.links.to(2)?.send([40, 'hi'])
    await expect.poll(() => b.heard).toEqual([[40, 'hi']])
  })

  it.each([
    ['that has none', () => null],
    ['of another authority', () => stranger],
  ])('a node %s has no link', async (_, tls) => {
    const [a, b] = [links(1, by(tls() ?? undefined)), links(2, by(two))]
    await connected(a, b)
    await soon(a.said, 'no link with n2 at localhost')
    expect([a.links.open, b.links.open, b.said]).toEqual([[], [], []])
  })

  it('a node whose certificate is for another host is not taken for the one that was dialed', async () => {
    const [a, b] = [links(1, by(one)), links(2, by(elsewhere))]
    await connected(a, b)
    await soon(a.said, 'no link with n2 at localhost')
    expect(a.links.open).toEqual([])
  })
})
