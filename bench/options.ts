/** The options of `bluetick bench`: what each means, for whom, and its default in the full and in the short form. */
import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { Misuse, meant } from '../src/cli/misuse.ts'

/** `of`: the benchmarks that heed it; `all` takes every option. */
type Given = { readonly of: readonly Name[]; readonly text: string }
/** `least`: 1 unless it says so. */
type Option = Given & {
  readonly full: number
  readonly short: number
  readonly least?: number
  readonly most?: number
}

const names = ['density', 'throughput', 'latency', 'fanout', 'replay', 'actors', 'cluster', 'e2ee'] as const
export type Name = (typeof names)[number]
/** Those that `all` runs: each but the one that needs Cassandra, and the one of what only some users do. */
export const usual = names.filter((name) => name !== 'cluster' && name !== 'e2ee')
/** Those that measure nodes, which are processes of their own, and of these those that measure one. */
const ofNodes = names.filter((name) => name !== 'actors' && name !== 'e2ee')
const ofOne = ofNodes.filter((name) => name !== 'cluster')

const numbers = {
  users: { of: ['density'], text: 'idle connected users', full: 19_000, short: 4_000 },
  nodes: {
    of: ['density'],
    text: 'nodes of a cluster behind one address; 1: one node that is in none',
    full: 1,
    short: 1,
    most: 64,
  },
  soak: {
    of: ['density', 'cluster'],
    text: 'seconds of heartbeats alone, or of nodes without users, while CPU is counted',
    full: 30,
    short: 8,
    least: 0,
  },
  pairs: { of: ['throughput', 'latency', 'cluster'], text: 'pairs of a sender and a receiver', full: 200, short: 200 },
  'in-flight': {
    of: ['throughput', 'latency', 'fanout'],
    text: 'messages in flight of each sender',
    full: 8,
    short: 8,
  },
  body: {
    of: ['throughput', 'latency', 'fanout', 'replay', 'cluster', 'e2ee'],
    text: 'bytes of a message body',
    full: 200,
    short: 200,
  },
  seconds: { of: ['throughput', 'cluster', 'e2ee'], text: 'seconds measured', full: 15, short: 6 },
  rate: { of: ['cluster'], text: 'messages a second', full: 1_000, short: 500 },
  talks: { of: ['e2ee'], text: 'pairs of people with two devices each, in one process', full: 20, short: 5 },
  'talk-rate': { of: ['e2ee'], text: 'messages a second of all of them', full: 200, short: 100 },
  remote: {
    of: ['cluster'],
    text: 'made-up sessions by which the memory of one is told that is elsewhere than its user; 0: it is not told',
    full: 100_000,
    short: 100_000,
    least: 0,
  },
  'lone-seconds': { of: ['latency'], text: 'seconds at 300 and at 2,000 messages a second', full: 60, short: 6 },
  'rate-seconds': {
    of: ['latency', 'fanout'],
    text: 'seconds of each step of the search for the largest rate, or size of a group',
    full: 8,
    short: 3,
  },
  members: {
    of: ['fanout'],
    text: 'one size of group, 2 to 1,024; 0, a curve: 2, 16, 128 and 1,024',
    full: 0,
    short: 0,
    least: 2,
    most: 1_024,
  },
  entries: { of: ['replay'], text: 'entries that one device is behind', full: 100_000, short: 30_000 },
  devices: { of: ['replay'], text: 'devices that come back at once', full: 19_000, short: 2_000 },
  each: { of: ['replay'], text: 'entries that wait for each of them', full: 10, short: 10 },
  actors: { of: ['actors'], text: 'users in one process', full: 1_000_000, short: 100_000 },
  awake: { of: ['actors'], text: 'how many of them are awake at a time', full: 20_000, short: 20_000 },
  messages: { of: ['actors'], text: 'messages to them', full: 500_000, short: 100_000 },
  'mix-seconds': { of: ['density'], text: 'seconds of --mix', full: 30, short: 8 },
  runs: { of: names, text: 'how often each is run; figures are medians, and their ranges are told', full: 1, short: 1 },
  generators: { of: ofNodes, text: 'processes that make the load', full: 2, short: 2 },
  pid: {
    of: ofOne,
    text: 'with --url: process of the node, so that memory and CPU are known',
    full: 0,
    short: 0,
    least: 0,
  },
} satisfies Record<string, Option>

const texts = {
  rates: {
    of: ['latency'],
    text: 'messages a second like 300,2000: only these, each for --lone-seconds, and no search for the largest',
  },
  against: {
    of: ['throughput', 'latency'],
    text: 'FOLDER of another tree that was built: its node is measured in turn with this one',
  },
  'contact-points': {
    of: ['density', 'cluster'],
    text: 'a Cassandra that runs, like 127.0.0.1:9042; else one is started, which needs the repository and Java',
  },
  'local-dc': { of: ['density', 'cluster'], text: 'the datacenter of that (datacenter1)' },
  url: {
    of: ofOne,
    text: 'a node that runs, ws://host:port, instead of one of its own; raise its limits for this load',
  },
  json: { of: names, text: 'FILE for the figures' },
  report: { of: names, text: 'FILE.html for one page with plots' },
  profile: {
    of: ofNodes,
    text: 'FOLDER for a CPU profile of the node: prints the share of each part; profiling takes CPU itself',
  },
} satisfies Record<string, Given>
const switches = {
  full: { of: [], text: 'the full form of each' },
  short: { of: names, text: 'smaller and shorter: what `all` and bench:check do' },
  hot: { of: ['throughput'], text: 'all send to one user' },
  calls: {
    of: ['throughput', 'density'],
    text: 'counts system calls by strace, in a stretch of its own after what is measured',
  },
  classes: {
    of: ['density'],
    text: 'tells the heap of a user by class of its objects, from snapshots of a node of its own',
  },
  durable: {
    of: ['latency'],
    text: 'beside them a relay that writes each message to the disk before it says sent, the least that is durable',
  },
  webhooks: { of: ['throughput'], text: 'the node tells a service what happens, and that of --against does not' },
  mix: { of: ['density'], text: 'a day-like mix after the idle users' },
  help: { of: names, text: 'this text' },
} satisfies Record<string, Given>
const given: Record<string, Given> = { ...numbers, ...texts, ...switches }

export type Options = Record<keyof typeof numbers, number> &
  Record<keyof typeof texts, string> &
  Record<keyof typeof switches, boolean> & { readonly what: Name | 'all' }

/** Reads the arguments; undefined when help was asked for, and printed. */
export function readBench(args: readonly string[]): Options | undefined {
  const options: Record<string, { type: 'string' | 'boolean' }> = {}
  for (const name of [...Object.keys(numbers), ...Object.keys(texts)]) options[name] = { type: 'string' }
  for (const name of Object.keys(switches)) options[name] = { type: 'boolean' }
  const { values, positionals } = parsed(args, options)
  const [what = '', ...more] = positionals
  if (what === '') return void console.log(usage('all'))
  if (!isBenchmark(what)) throw new Misuse(`there is no benchmark "${what}"; choose ${names.join(', ')} or all`)
  if (values['help']) return void console.log(usage(what))
  if (more.length > 0) throw new Misuse(`one benchmark at a time: "${more.join(' ')}" is too much`)
  const idle = Object.keys(values).find((name) => !heeds(what, name))
  if (idle) throw new Misuse(`${what} does not heed --${idle}, which is for ${given[idle]?.of.join(', ') || 'all'}`)
  checkTexts(values)
  const short = values['short'] === true || (what === 'all' && values['full'] !== true)
  const read = Object.entries(numbers).map(([name, option]: [string, Option]) => {
    const given = values[name]
    return [name, given === undefined ? (short ? option.short : option.full) : within(name, String(given), option)]
  })
  return {
    ...Object.fromEntries(read),
    ...Object.fromEntries(Object.keys(texts).map((name) => [name, values[name] ?? ''])),
    ...Object.fromEntries(Object.keys(switches).map((name) => [name, values[name] === true])),
    what,
    short,
  } as Options
}

const isBenchmark = (what: string): what is Name | 'all' => what === 'all' || names.includes(what as Name)
const heeds = (what: Name | 'all', option: string): boolean =>
  what === 'all' || given[option]?.of.includes(what) === true

function parsed(args: readonly string[], options: Record<string, { type: 'string' | 'boolean' }>) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true })
  } catch (error) {
    const [, option] = /^Unknown option '([^']+)'/.exec((error as Error).message) ?? []
    if (!option) throw new Misuse((error as Error).message)
    throw new Misuse(
      `there is no option ${option}${meant(option, Object.keys(options), '--') || '; "bluetick bench --help" lists them'}`,
    )
  }
}

function within(name: string, given: string, { least = 1, most = Number.MAX_SAFE_INTEGER }: Option): number {
  const value = Number(given)
  if (/^\d+$/.test(given) && value >= least && value <= most) return value
  const upTo = most < Number.MAX_SAFE_INTEGER ? ` to ${most}` : ''
  throw new Misuse(`--${name} must be a whole number from ${least}${upTo}, not "${given}"`)
}

/** Before a run of minutes, not after it. */
function checkTexts(values: Record<string, unknown>): void {
  const { url, json, report, rates, against, nodes } = values
  if (url !== undefined && !/^ws:\/\/[^/]+/.test(String(url)))
    throw new Misuse(`--url must be like ws://127.0.0.1:8080, not "${url}"`)
  if (rates !== undefined && !/^\d+(,\d+)*$/.test(String(rates)))
    throw new Misuse(`--rates must be like 300,2000, not "${rates}"`)
  if (nodes !== undefined && Number(nodes) > 1 && url !== undefined)
    throw new Misuse('--nodes starts nodes of its own: leave out --url')
  if (against !== undefined && url !== undefined)
    throw new Misuse('--against measures two nodes of its own: leave out --url')
  if (against !== undefined && !existsSync(builtIn(String(against))))
    throw new Misuse(`--against: there is no ${builtIn(String(against))}; run "npm run build" there`)
  for (const [name, file] of Object.entries({ json, report })) {
    if (file !== undefined && !existsSync(dirname(String(file))))
      throw new Misuse(`--${name}: there is no folder ${dirname(String(file))}`)
  }
}

/** What is measured of a tree. */
export const builtIn = (tree: string): string => resolve(tree, 'dist/src/index.js')

function usage(what: Name | 'all'): string {
  const line = ([name, { of, text }]: [string, Given]) => {
    const whose = what === 'all' && of.length < ofNodes.length ? `${of.join(', ') || 'all'}: ` : ''
    const number = (numbers as Record<string, Option>)[name]
    const defaults = number ? ` (${number.full}, short ${number.short})` : ''
    return `  --${name.padEnd(16)}${whose}${text}${defaults}`
  }
  return [
    `bluetick bench ${what === 'all' ? `${names.join(' | ')} | all` : what} [options]: measures a node beside a bare uWebSockets.js server.`,
    ...(what === 'all' ? ['`all` runs the short form of each but cluster, which needs Cassandra.'] : []),
    '',
    ...Object.entries(given)
      .filter(([name]) => heeds(what, name))
      .map(line),
  ].join('\n')
}
