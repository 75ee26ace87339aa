import { describe, expect, it, vi } from 'vitest'
import { limitBehind } from '../../bench/limits.ts'
import { readBench } from '../../bench/options.ts'

describe('the options of bluetick bench', () => {
  it('are those of the full form for one benchmark, and of the short form for all', () => {
    expect(readBench(['density'])).toMatchObject({ what: 'density', users: 19_000, short: false, hot: false })
    expect(readBench(['all'])).toMatchObject({ what: 'all', users: 4_000, short: true })
    expect(readBench(['all', '--full', '--users', '7'])).toMatchObject({ users: 7, short: false })
    expect(readBench(['fanout', '--members', '16'])).toMatchObject({ members: 16 })
    expect(readBench(['density', '--nodes', '5', '--users', '95000'])).toMatchObject({ nodes: 5, users: 95_000 })
    expect(readBench(['cluster', '--short'])).toMatchObject({ what: 'cluster', rate: 500, 'contact-points': '' })
  })

  it('are listed for one benchmark, or for all of them', () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => {})
    for (const args of [['replay', '--help'], ['--help']]) expect(readBench(args)).toBeUndefined()
    const [replay = '', all = ''] = log.mock.calls.map(([text]) => String(text))
    log.mockRestore()
    const options = (text: string) => [...text.matchAll(/^ {2}--([\w-]+)/gm)].map(([, name]) => name)
    expect(options(replay)).toEqual([
      'body',
      'entries',
      'devices',
      'each',
      'runs',
      'generators',
      'pid',
      'url',
      'json',
      'report',
      'profile',
      'short',
      'help',
    ])
    expect(replay).toContain('--entries         entries that one device is behind (100000, short 30000)')
    expect(options(all)).toEqual(expect.arrayContaining([...options(replay), 'users', 'hot', 'full']))
    // Also behind the longest name.
    for (const line of all.split('\n').filter((line) => line.startsWith('  --')))
      expect(line).toMatch(/^ {2}--[\w-]+ +\S/)
    expect(all).toContain('--entries         replay: entries that one device is behind (100000, short 30000)')
  })

  it('are refused in a sentence that says what is wrong', () => {
    const refused = (...args: string[]) => expect(() => readBench(args))
    refused('dense').toThrow('there is no benchmark "dense"; choose density,')
    refused('density', 'latency').toThrow('one benchmark at a time')
    refused('density', '--user', '5').toThrow('there is no option --user; did you mean --users?')
    refused('density', '--users', 'many').toThrow('--users must be a whole number from 1, not "many"')
    refused('throughput', '--pairs', '0').toThrow('--pairs must be a whole number from 1')
    refused('fanout', '--members', '1').toThrow('--members must be a whole number from 2 to 1024')
    refused('density', '--pairs', '5').toThrow('density does not heed --pairs, which is for throughput, latency')
    refused('actors', '--url', 'ws://here').toThrow('actors does not heed --url')
    refused('density', '--full').toThrow('density does not heed --full, which is for all')
    refused('latency', '--url', 'http://here').toThrow('--url must be like ws://')
    refused('latency', '--rates', '300,many').toThrow('--rates must be like 300,2000, not "300,many"')
    refused('latency', '--against', '/no/such').toThrow(
      'there is no /no/such/dist/src/index.js; run "npm run build" there',
    )
    refused('latency', '--against', '.', '--url', 'ws://here').toThrow('leave out --url')
    refused('cluster', '--url', 'ws://here').toThrow('cluster does not heed --url')
    refused('density', '--nodes', '5', '--url', 'ws://here').toThrow('--nodes starts nodes of its own')
    refused('density', '--against', '.').toThrow('density does not heed --against, which is for throughput, latency')
    refused('latency', '--json', '/no/such/folder/x.json').toThrow('--json: there is no folder /no/such/folder')
  })
})

it('names the limit behind a failure, and the command that raises it', () => {
  expect(limitBehind('connect EMFILE 127.0.0.1:8080')).toContain('ulimit -n')
  expect(limitBehind('connect EADDRNOTAVAIL 127.0.0.1:8080')).toContain('sysctl -w net.ipv4.ip_local_port_range')
  expect(limitBehind('u1: closed: too_many_connections')).toContain('--limit connectionsPerAddress')
  expect(limitBehind('the process node ended (SIGKILL)')).toContain('memory')
  expect(limitBehind('something else')).toBeUndefined()
})
