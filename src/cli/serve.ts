import { join } from 'node:path'
import { cassandraStore, createNode, defaultLimits, fileMedia, lmdbStore, type Store } from '../index.ts'
import type { Lifetime } from '../protocol/lifetime.ts'
import { clusterOptions, clusterTable } from './cassandra.ts'
import { Misuse } from './misuse.ts'
import { keepToken, newToken } from './operator.ts'
import { type Option, readOptions } from './options.ts'
import { readSecret, rereadAtHangUp } from './secret.ts'
import { most, pairs } from './values.ts'

export const table = {
  host: {
    text: 'address to listen on; off the loopback a secret is needed',
    default: '127.0.0.1',
    env: 'BLUETICK_HOST',
  },
  port: { text: 'port; 0: one that is free', default: '8080', env: 'BLUETICK_PORT', whole: [0, 65_535] },
  store: {
    text: 'lmdb, the embedded store, or cassandra, a cluster',
    default: 'lmdb',
    env: 'BLUETICK_STORE',
    oneOf: ['lmdb', 'cassandra'],
  },
  data: { text: 'folder of the embedded store and of media', default: './data', env: 'BLUETICK_DATA' },
  'secret-file': {
    text: 'file with the secret that signs tokens, 32 bytes or more',
    default: '',
    env: 'BLUETICK_SECRET_FILE',
  },
  'allow-origin': {
    text: 'origins of web pages that may come, beside its own, with commas between; without it any with a secret, else none',
    default: '',
    env: 'BLUETICK_ALLOW_ORIGIN',
  },
  'trusted-proxies': {
    text: 'proxies that tell the addresses of clients, as addresses or networks (10.0.0.0/8), with commas between',
    default: '',
    env: 'BLUETICK_TRUSTED_PROXIES',
  },
  'operator-token-file': {
    text: 'file with the token that operators show; without it each start makes one, in the data folder',
    default: '',
    env: 'BLUETICK_OPERATOR_TOKEN_FILE',
  },
  'retention-days': {
    text: 'days that an entry stays in an inbox, and media after the last message with it',
    default: '30',
    env: 'BLUETICK_RETENTION_DAYS',
    whole: [1, most],
  },
  lifetime: {
    text: 'how long messages of a chat stay until somebody changes it: default (for the retention time), permanent (until each side deletes them), or another of docs/protocol.md',
    default: 'permanent',
    env: 'BLUETICK_LIFETIME',
  },
  'online-ms': {
    text: 'milliseconds after the last activity at which a user counts as gone; 0: connected is online',
    default: '20000',
    env: 'BLUETICK_ONLINE_MS',
    whole: [0, most],
  },
  'heartbeat-seconds': {
    text: 'seconds after which a silent connection is dead, 8 to 960',
    default: '30',
    env: 'BLUETICK_HEARTBEAT_SECONDS',
    whole: [8, 960],
  },
  limit: {
    text: 'NAME=VALUE, a limit of docs/protocol.md, as mediaBytes=1000000; may be given several times',
    default: '',
    env: 'BLUETICK_LIMIT',
    names: Object.keys(defaultLimits),
  },
  config: {
    text: 'JSON file with options by name, as { "port": 8080, "limit": { "devices": 3 } }; what is given here goes before it',
    default: '',
    env: 'BLUETICK_CONFIG',
  },
  ...clusterTable,
} satisfies Record<string, Option>

export async function serve(args: string[]): Promise<void> {
  const read = readOptions('bluetick serve [options]: runs a node until SIGTERM or Ctrl-C.', table, args)
  if (!read) return
  const { values } = read
  const secret = values['secret-file']
  const tokenFile = values['operator-token-file']
  const operatorToken = tokenFile ? new TextDecoder().decode(await readSecret(tokenFile)) : newToken()
  const retentionMs = Number(values['retention-days']) * 86_400_000
  const node = await orMisuse(async () =>
    createNode({
      store: await storeOf(values, retentionMs),
      media: fileMedia(join(values.data, 'media'), { retentionMs }),
      lifetime: values.lifetime as Lifetime,
      onlineMs: Number(values['online-ms']),
      heartbeatSeconds: Number(values['heartbeat-seconds']),
      limits: Object.fromEntries(pairs(values.limit).map(([name, value]) => [name, Number(value)])),
      operatorToken,
      ...(values['allow-origin'] && { allowOrigins: listed(values['allow-origin']) }),
      trustedProxies: listed(values['trusted-proxies']),
      ...(secret && { authenticate: await rereadAtHangUp(secret) }),
    }),
  )
  const cluster =
    values.store === 'cassandra' ? `, and the keyspace ${values.keyspace} at ${values['contact-points']}` : ''
  if (!secret) process.on('SIGHUP', () => console.log('SIGHUP: there is no secret file to read again.'))
  const { url } = await orMisuse(() => node.listen({ host: values.host, port: Number(values.port) }))
  const operators = tokenFile || (await keepToken(values.data, operatorToken))
  console.log(`Bluetick listens on ${url}`)
  console.log(`  chat page   ${url.replace('ws', 'http')}/`)
  console.log(
    `  tokens      ${secret ? `bluetick token alice --secret-file ${secret}` : 'none needed on the loopback, where the token is the name: put no proxy before this node'}`,
  )
  console.log(`  operators   their token is in ${operators}`)
  console.log(`  data        ${values.data}${cluster}`)
  const asked = new Promise<void>((resolve) => {
    process.once('SIGTERM', () => resolve())
    process.once('SIGINT', () => resolve())
  })
  await Promise.race([asked, node.closed])
  console.log('Draining ...')
  await node.close()
  console.log(`Stopped; everything is in the ${cluster ? 'keyspace' : 'data folder'}.`)
}

/** What cannot be is told by `createNode` and `listen`; here it was typed. */
async function orMisuse<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw error instanceof TypeError || error instanceof RangeError ? new Misuse(error.message) : error
  }
}

const listed = (value: string): string[] =>
  value
    .split(',')
    .map((one) => one.trim())
    .filter(Boolean)

async function storeOf(values: Record<keyof typeof table, string>, retentionMs: number): Promise<Store> {
  if (values.store === 'lmdb') return lmdbStore(values.data, { retentionMs })
  return cassandraStore(await clusterOptions(values), { retentionMs })
}
