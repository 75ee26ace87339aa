/** The options that make a node one of several on a keyspace. */
import { join } from 'node:path'
import type { ClusterOptions } from '../index.ts'
import { Misuse } from './misuse.ts'
import { readSecret } from './secret.ts'
import type { Option } from './values.ts'

const heading = 'Options of a node in a cluster'

export const memberTable = {
  'node-name': {
    heading,
    value: 'NAME',
    text: 'makes the node one of several on the keyspace; another name for each, the same at each start',
    default: '',
    env: 'BLUETICK_NODE_NAME',
  },
  'link-host': {
    heading,
    value: 'ADDRESS',
    text: 'address to listen on for the other nodes; other than the loopback it needs --cluster-secret-file or certificates',
    default: '127.0.0.1',
    env: 'BLUETICK_LINK_HOST',
  },
  'link-port': {
    heading,
    text: 'port for the other nodes; 0 takes any free one',
    default: '0',
    env: 'BLUETICK_LINK_PORT',
    whole: [0, 65_535],
  },
  'link-address': {
    heading,
    value: 'HOST:PORT',
    text: 'where the other nodes reach it, if that is another address',
    default: '',
    otherwise: 'that of --link-host',
    env: 'BLUETICK_LINK_ADDRESS',
  },
  'cluster-secret-file': {
    heading,
    value: 'FILE',
    text: 'file with the secret of the cluster, the same for all nodes, at least 32 bytes',
    default: '',
    env: 'BLUETICK_CLUSTER_SECRET_FILE',
  },
  'link-ca-file': {
    heading,
    value: 'FILE',
    text: 'certificate of the authority of the nodes, in PEM; encrypts links, with the next two',
    default: '',
    env: 'BLUETICK_LINK_CA_FILE',
  },
  'link-cert-file': {
    heading,
    value: 'FILE',
    text: 'certificate of this node for the host of its address, in PEM',
    default: '',
    env: 'BLUETICK_LINK_CERT_FILE',
  },
  'link-key-file': {
    heading,
    value: 'FILE',
    text: 'key of that certificate',
    default: '',
    env: 'BLUETICK_LINK_KEY_FILE',
  },
} satisfies Record<string, Option>

type Values = Record<keyof typeof memberTable | 'store' | 'data', string>

/** Undefined: the node is alone. */
export async function memberOptions(values: Values): Promise<ClusterOptions | undefined> {
  const { 'node-name': name, 'link-host': host, 'link-address': address, 'cluster-secret-file': secretFile } = values
  if (!name) {
    const stray = (Object.keys(memberTable) as (keyof typeof memberTable)[]).find(
      (option) => option !== 'node-name' && values[option] !== memberTable[option].default,
    )
    if (stray) throw new Misuse(`--${stray} is for a node in a cluster: give it a name, too, by --node-name`)
    return undefined
  }
  if (values.store !== 'cassandra')
    throw new Misuse('--node-name needs --store cassandra: the embedded store is one node’s')
  const tls = tlsOf(values)
  return {
    name,
    link: { host, port: Number(values['link-port']), ...(address && { address }) },
    ...(secretFile && { secret: await readSecret(secretFile) }),
    ...(tls && { tls }),
    folder: join(values.data, 'cluster'),
  }
}

function tlsOf(values: Values): ClusterOptions['tls'] {
  const [ca, cert, key] = [values['link-ca-file'], values['link-cert-file'], values['link-key-file']]
  if (!ca && !cert && !key) return undefined
  if (ca && cert && key) return { ca, cert, key }
  throw new Misuse('--link-ca-file, --link-cert-file and --link-key-file go together')
}
