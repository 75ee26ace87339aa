/** The options that name a cluster, as `serve`, `schema` and `copy` share them. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { CassandraOptions } from '../index.ts'
import { Misuse } from './misuse.ts'
import { most, type Option } from './values.ts'

/** What they are listed under. */
const heading = 'Options of Cassandra'
const consistencies = ['local_quorum', 'quorum', 'each_quorum', 'all'] as const

export const clusterTable = {
  'contact-points': {
    heading,
    value: 'HOSTS',
    text: 'hosts to connect to first, as address or address:port, separated by commas',
    default: '127.0.0.1:9042',
    env: 'BLUETICK_CONTACT_POINTS',
  },
  'local-dc': {
    heading,
    value: 'NAME',
    text: 'datacenter whose hosts are asked',
    default: 'datacenter1',
    env: 'BLUETICK_LOCAL_DC',
  },
  keyspace: { heading, value: 'NAME', text: 'keyspace', default: 'bluetick', env: 'BLUETICK_KEYSPACE' },
  'cluster-user': {
    heading,
    value: 'USER',
    text: 'user name for the cluster',
    default: '',
    env: 'BLUETICK_CLUSTER_USER',
  },
  'cluster-password-file': {
    heading,
    value: 'FILE',
    text: 'file with the password of that user',
    default: '',
    env: 'BLUETICK_CLUSTER_PASSWORD_FILE',
  },
  'cluster-tls': {
    heading,
    text: 'TLS to the cluster',
    default: 'no',
    env: 'BLUETICK_CLUSTER_TLS',
    oneOf: ['yes', 'no'],
  },
  'cluster-ca-file': {
    heading,
    value: 'FILE',
    text: 'certificate of the authority of the cluster, in PEM; turns on TLS',
    default: '',
    env: 'BLUETICK_CLUSTER_CA_FILE',
  },
  'cluster-cert-file': {
    heading,
    value: 'FILE',
    text: 'certificate of this node, in PEM; turns on TLS',
    default: '',
    env: 'BLUETICK_CLUSTER_CERT_FILE',
  },
  'cluster-key-file': {
    heading,
    value: 'FILE',
    text: 'key of that certificate',
    default: '',
    env: 'BLUETICK_CLUSTER_KEY_FILE',
  },
  consistency: {
    heading,
    text: 'replicas that must answer',
    default: 'local_quorum',
    env: 'BLUETICK_CONSISTENCY',
    oneOf: consistencies,
  },
  'cluster-timeout-ms': {
    heading,
    text: 'milliseconds to wait for a host that does not answer',
    default: '3000',
    env: 'BLUETICK_CLUSTER_TIMEOUT_MS',
    whole: [1, most],
  },
} satisfies Record<string, Option>

const files = ['cluster-password-file', 'cluster-ca-file', 'cluster-cert-file', 'cluster-key-file'] as const

export async function clusterOptions(values: Record<keyof typeof clusterTable, string>): Promise<CassandraOptions> {
  const consistency = values.consistency as (typeof consistencies)[number]
  for (const name of files)
    if (values[name] && !existsSync(values[name])) throw new Misuse(`--${name}: there is no file ${values[name]}`)
  const user = values['cluster-user']
  if (user && !values['cluster-password-file']) throw new Misuse('--cluster-user needs --cluster-password-file')
  const password = user ? (await readFile(values['cluster-password-file'], 'utf8')).trim() : ''
  const tls = tlsOf(values)
  return {
    contactPoints: values['contact-points'].split(',').map((host) => host.trim()),
    localDc: values['local-dc'],
    keyspace: values.keyspace,
    consistency,
    timeoutMs: Number(values['cluster-timeout-ms']),
    ...(user && { credentials: { user, password } }),
    ...(tls && { tls }),
  }
}

function tlsOf(values: Record<keyof typeof clusterTable, string>): CassandraOptions['tls'] {
  const [ca, cert, key] = [values['cluster-ca-file'], values['cluster-cert-file'], values['cluster-key-file']]
  if (ca || cert) return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) }
  return values['cluster-tls'] === 'yes'
}
