/** The options that name a cluster, as `serve`, `schema` and `copy` share them. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { CassandraOptions } from '../index.ts'
import { Misuse } from './misuse.ts'
import type { Option } from './options.ts'
import { most } from './values.ts'

const consistencies = ['local_quorum', 'quorum', 'each_quorum', 'all'] as const

export const clusterTable = {
  'contact-points': {
    text: 'cluster: hosts to begin with, "address" or "address:port", with commas between',
    default: '127.0.0.1:9042',
    env: 'BLUETICK_CONTACT_POINTS',
  },
  'local-dc': {
    text: 'cluster: the datacenter whose hosts are asked',
    default: 'datacenter1',
    env: 'BLUETICK_LOCAL_DC',
  },
  keyspace: { text: 'cluster: keyspace', default: 'bluetick', env: 'BLUETICK_KEYSPACE' },
  'cluster-user': { text: 'cluster: user', default: '', env: 'BLUETICK_CLUSTER_USER' },
  'cluster-password-file': {
    text: 'cluster: file with the password of the user',
    default: '',
    env: 'BLUETICK_CLUSTER_PASSWORD_FILE',
  },
  'cluster-tls': { text: 'cluster: yes for TLS', default: 'no', env: 'BLUETICK_CLUSTER_TLS', oneOf: ['yes', 'no'] },
  'cluster-ca-file': {
    text: 'cluster: certificate of its authority in PEM; implies TLS',
    default: '',
    env: 'BLUETICK_CLUSTER_CA_FILE',
  },
  'cluster-cert-file': {
    text: 'cluster: our certificate in PEM; implies TLS',
    default: '',
    env: 'BLUETICK_CLUSTER_CERT_FILE',
  },
  'cluster-key-file': { text: 'cluster: the key of our certificate', default: '', env: 'BLUETICK_CLUSTER_KEY_FILE' },
  consistency: {
    text: 'cluster: replicas that must answer: local_quorum, quorum, each_quorum or all',
    default: 'local_quorum',
    env: 'BLUETICK_CONSISTENCY',
    oneOf: consistencies,
  },
  'cluster-timeout-ms': {
    text: 'cluster: milliseconds until a host that does not answer is given up',
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
