import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { isForHere } from '../embed/here.ts'
import {
  type Authenticate,
  type BluetickNode,
  cassandraStore,
  createNode,
  defaultLimits,
  jwtAuthenticate,
  lmdbStore,
  type NodeOptions,
  type Store,
} from '../index.ts'
import type { Lifetime } from '../protocol/lifetime.ts'
import { warningOf } from '../store/lmdb/place.ts'
import { clusterOptions, clusterTable } from './cassandra.ts'
import { Log, logTable } from './log.ts'
import { mediaOf, mediaTable } from './media.ts'
import { memberOptions, memberTable } from './member.ts'
import { metricsTable, serveMetrics } from './metrics.ts'
import { Misuse } from './misuse.ts'
import { keepToken, newToken, tokenIn } from './operator.ts'
import { readOptions } from './options.ts'
import { claimsOf, claimTable, makeSecret, secretsOf } from './secret.ts'
import { listed, most, type Option, pairs } from './values.ts'
import { servicesOf, webhookTable } from './webhooks.ts'

export const table = {
  host: {
    text: 'address to listen on; other than the loopback it needs --secret-file, --jwks-url or --authenticate-url',
    value: 'ADDRESS',
    default: '127.0.0.1',
    env: 'BLUETICK_HOST',
  },
  port: { text: 'port to listen on; 0 takes any free one', default: '8080', env: 'BLUETICK_PORT', whole: [0, 65_535] },
  'share-port': {
    text: 'whether other nodes of the cluster on this machine may listen on the same port; each gets its part of the connections',
    default: 'no',
    env: 'BLUETICK_SHARE_PORT',
    oneOf: ['yes', 'no'],
  },
  store: {
    text: 'lmdb: the embedded store; cassandra: a cluster',
    default: 'lmdb',
    env: 'BLUETICK_STORE',
    oneOf: ['lmdb', 'cassandra'],
  },
  data: { text: 'folder of the embedded store and of media', value: 'FOLDER', default: './data', env: 'BLUETICK_DATA' },
  'journal-writes': {
    text: 'fast: by the thread of the event loop while the disk is fast; threads: never by that, for disks that may hang',
    default: 'fast',
    env: 'BLUETICK_JOURNAL_WRITES',
    oneOf: ['fast', 'threads'],
  },
  'secret-file': {
    text: 'file with the secrets of tokens (HS256), one in each line, at least 32 bytes each; the first signs, all verify',
    value: 'FILE',
    default: '',
    env: 'BLUETICK_SECRET_FILE',
  },
  'jwks-url': {
    text: 'where an issuer of tokens publishes its keys (RS256, ES256, EdDSA)',
    value: 'URL',
    default: '',
    env: 'BLUETICK_JWKS_URL',
  },
  ...claimTable,
  'allow-origin': {
    text: 'origins of web pages that may connect beside its own, separated by commas',
    value: 'ORIGINS',
    default: '',
    otherwise: 'any origin if there is a secret, otherwise none but its own',
    env: 'BLUETICK_ALLOW_ORIGIN',
  },
  'trusted-proxies': {
    text: 'proxies believed about the addresses of clients: addresses or networks (10.0.0.0/8), separated by commas',
    value: 'ADDRESSES',
    default: '',
    env: 'BLUETICK_TRUSTED_PROXIES',
  },
  'operator-token-file': {
    text: 'file with the token that operators show',
    value: 'FILE',
    default: '',
    otherwise: 'a new one at each start, in the data folder',
    env: 'BLUETICK_OPERATOR_TOKEN_FILE',
  },
  'retention-days': {
    text: 'days that an entry stays in an inbox, and media after the last message that has it',
    default: '30',
    env: 'BLUETICK_RETENTION_DAYS',
    whole: [1, most],
  },
  lifetime: {
    text: 'how long messages of a chat stay, unless somebody changes it there: default (the retention time), permanent (until each side deletes them), or another lifetime of docs/protocol.md',
    value: 'LIFETIME',
    default: 'permanent',
    env: 'BLUETICK_LIFETIME',
  },
  e2ee: {
    text: 'whether users may write so that the node cannot read it: off, allowed, or required between two users; see docs/e2ee.md',
    default: 'off',
    env: 'BLUETICK_E2EE',
    oneOf: ['off', 'allowed', 'required'],
  },
  realm: {
    text: 'name of the service, which devices sign with their keys; the same on all nodes, and in e2ee({ realm }) of clients',
    value: 'NAME',
    default: '',
    env: 'BLUETICK_REALM',
  },
  'online-ms': {
    text: 'milliseconds after the last activity until a user counts as gone; 0: online while connected',
    default: '20000',
    env: 'BLUETICK_ONLINE_MS',
    whole: [0, most],
  },
  'heartbeat-seconds': {
    text: 'seconds after which a silent connection counts as dead, 8 to 960',
    default: '30',
    env: 'BLUETICK_HEARTBEAT_SECONDS',
    whole: [8, 960],
  },
  'drain-seconds': {
    text: 'seconds over which connections end when the node is to stop, while it is not ready for new ones; 0: at once',
    default: '0',
    env: 'BLUETICK_DRAIN_SECONDS',
    whole: [0, 3_600],
  },
  limit: {
    text: 'a limit of docs/protocol.md, such as mediaBytes=1000000; may be given several times',
    default: '',
    env: 'BLUETICK_LIMIT',
    names: Object.keys(defaultLimits),
  },
  config: {
    text: 'JSON file with options by name, such as { "port": 8080, "limit": { "devices": 3 } }; arguments and variables override it',
    value: 'FILE',
    default: '',
    env: 'BLUETICK_CONFIG',
  },
  ...logTable,
  ...metricsTable,
  ...webhookTable,
  ...clusterTable,
  ...memberTable,
  ...mediaTable,
} satisfies Record<string, Option>

const usage = `bluetick serve [options]: runs a node until SIGTERM or Ctrl-C.

Example:
  ${makeSecret('secret')}
  bluetick serve --host 0.0.0.0 --port 8080 --data ./data --secret-file secret`

export async function serve(args: string[]): Promise<void> {
  const read = readOptions(usage, table, args)
  if (!read) return
  const { values } = read
  const log = new Log(values)
  const { node, say } = await start(values, log)
  const told = signalled()
  // Who reads that it listens may end it at once.
  say()
  await Promise.race([told, node.closed])
  log.say('Draining ...')
  // Told again, it does not wait any longer; what goes wrong, the one below says.
  void signalled().then(() => node.close().catch(() => undefined))
  await node.close({ overMs: Number(values['drain-seconds']) * 1_000 })
  const isHere = values.store === 'lmdb'
  if (isHere && !existsSync(join(values.data, 'bluetick.mdb')))
    throw new Error(`${values.data} is not there any more, or was emptied while the node ran: what was in it is lost`)
  log.say(`Stopped; everything is in the ${isHere ? 'data folder' : 'keyspace'}.`)
  endSoon(log)
}

/** Whoever waits for a node that has stopped waits for its process: what still keeps that is named, and ends with it. */
function endSoon(log: Log): void {
  const late = () => {
    log.warn(`Ending the process, which was still kept by: ${process.getActiveResourcesInfo().join(', ')}`)
    process.exit()
  }
  setTimeout(late, 5_000).unref()
}

/** Resolves when the process is told to end. */
const signalled = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => resolve())
  })

/** A node that listens, as was said. */
async function start(values: Values, log: Log): Promise<{ node: BluetickNode; say: () => void }> {
  const { host, data, 'operator-token-file': tokenFile } = values
  const services = await orMisuse(() => servicesOf(values, log))
  const authenticate = (await authenticateOf(values, log)) ?? services.authenticate
  if (!authenticate && !isForHere(host))
    throw new Misuse(
      `--host ${host} needs --secret-file, --jwks-url or --authenticate-url; make a secret with: ${makeSecret('secret')}`,
    )
  const made = newToken()
  const operatorToken = tokenFile ? await tokenIn(tokenFile, log) : made
  const node = await orMisuse(async () =>
    createNode({
      ...(await optionsOf(values, log)),
      ...services,
      ...(authenticate && { authenticate }),
      operatorToken,
    }),
  )
  if (!values['secret-file'] && !tokenFile)
    process.on('SIGHUP', () => log.say('SIGHUP: there is no secret file to read again, nor one of the operator token.'))
  const { url } = await orMisuse(() =>
    node.listen({ host, port: Number(values.port), shared: values['share-port'] === 'yes' }),
  )
  const metrics = await serveMetrics(values, node)
  const doubt = warningOf(data)
  if (doubt) log.warn(doubt)
  const page = `${url.replace('ws', 'http')}/`
  const operators = tokenFile || (await keepToken(data, made))
  const keyspace =
    values.store === 'cassandra' ? `, and the keyspace ${values.keyspace} at ${values['contact-points']}` : ''
  const lines = [
    `Bluetick listens on ${url}`,
    `  chat page   ${page}`,
    `  tokens      ${tokensOf(values)}`,
    `  operators   their token is in ${operators}`,
    `  data        ${data}${keyspace}`,
    ...(metrics ? [`  metrics     ${metrics}`] : []),
    ...(values['webhook-url'] ? [`  webhooks    go to ${values['webhook-url']}`] : []),
  ]
  return { node, say: () => log.say(lines.join('\n'), { url, page, operators, data }) }
}

async function optionsOf(values: Values, log: Log): Promise<NodeOptions> {
  const cluster = await memberOptions(values)
  const retentionMs = Number(values['retention-days']) * 86_400_000
  const store = await storeOf(values, retentionMs)
  return {
    store,
    ...(cluster && { cluster }),
    ...mediaOf(values, store, retentionMs),
    lifetime: values.lifetime as Lifetime,
    onlineMs: Number(values['online-ms']),
    e2ee: values.e2ee as NonNullable<NodeOptions['e2ee']>,
    ...(values.realm && { realm: values.realm }),
    heartbeatSeconds: Number(values['heartbeat-seconds']),
    limits: Object.fromEntries(pairs(values.limit).map(([name, value]) => [name, Number(value)])),
    ...(values['allow-origin'] && { allowOrigins: listed(values['allow-origin']) }),
    trustedProxies: listed(values['trusted-proxies']),
    onFault: (fault) => log.fault(fault),
    onEvent: (event) => log.event(event),
  }
}

type Values = Record<keyof typeof table, string>

/** Undefined: nobody is asked for a token. */
async function authenticateOf(values: Values, log: Log): Promise<Authenticate | undefined> {
  const { 'secret-file': file, 'jwks-url': jwks, 'authenticate-url': asked } = values
  const claims = claimsOf(values)
  const rules = { ...(jwks && { jwks }), ...claims }
  if (asked && (file || jwks))
    throw new Misuse('--authenticate-url takes the place of --secret-file and --jwks-url: name one of them')
  if (file) return orMisuse(() => secretsOf(file, rules, log))
  if (jwks) return orMisuse(async () => jwtAuthenticate(rules))
  if (Object.keys(claims).length > 0)
    throw new Misuse('--token-issuer and --token-audience need --secret-file or --jwks-url')
  return undefined
}

function tokensOf(values: Values): string {
  const { 'secret-file': file, 'jwks-url': jwks, 'authenticate-url': asked, 'token-audience': audience } = values
  if (asked) return `whatever ${asked} knows`
  const made = file && `bluetick token alice --secret-file ${file}`
  const aimed = audience ? `, for ${audience}` : '; for any audience: name yours by --token-audience'
  const issued = jwks && `of the issuer whose keys are at ${jwks}${aimed}`
  if (made || issued) return [made, issued].filter(Boolean).join(', or ')
  return 'none needed on the loopback, where the token is the name: do not put a proxy in front of it'
}

/** What cannot be is told by `createNode` and `listen`; here it was typed. */
async function orMisuse<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw error instanceof TypeError || error instanceof RangeError ? new Misuse(error.message) : error
  }
}

async function storeOf(values: Values, retentionMs: number): Promise<Store> {
  if (values.store === 'lmdb')
    return lmdbStore(values.data, { retentionMs, threaded: values['journal-writes'] === 'threads' })
  return cassandraStore(await clusterOptions(values), { retentionMs })
}
