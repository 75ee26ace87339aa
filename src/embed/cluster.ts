/** What makes a node one of several. */
import { isNumber, isObjectWith, isText, type Rule } from '../protocol/options.ts'

/** For `createNode`: this node shares its store, which is Cassandra, with others. */
export type ClusterOptions = {
  /** Another name for each node, and the same at each start of it. */
  readonly name: string
  /**
   * Where the other nodes reach it. Default host 127.0.0.1; port 0 takes any that is free. `address`, "host:port", where that is not
   * the address at which it listens.
   */
  readonly link?: { readonly host?: string; readonly port?: number; readonly address?: string }
  /** The same for all nodes, 32 bytes or more: proves that a node belongs to them. Off the loopback a node needs it, or `tls`. */
  readonly secret?: string | Uint8Array
  /** Encrypts links. Files in PEM: the authority of the cluster, and this node's certificate, which is for the host of its address. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string }
  /** A folder of this machine. With it a node that was killed is back at once; else its shards wait until it counts as dead, 14 s. */
  readonly folder?: string
  /** Into how many parts users and groups are cut: 10 for each node that there may ever be, or more. Fixed by the first node. Default 1,024. */
  readonly shards?: number
  /** Milliseconds for which a node may answer after it has reached Cassandra last. Default 10,000. A dead one is found after 1.3 times that. */
  readonly leaseMs?: number
}

export const clusterRules: Record<keyof ClusterOptions, Rule> = {
  name: isText,
  link: isObjectWith('{ host, port }'),
  secret: { words: 'text or bytes', fits: (secret) => isText.fits(secret) || secret instanceof Uint8Array },
  tls: isObjectWith('{ ca, cert, key }', 'ca', 'cert', 'key'),
  folder: isText,
  shards: isNumber,
  leaseMs: isNumber,
}
