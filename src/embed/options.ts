/** What a program may hand to `createNode`. */

import type { MediaStore } from '../media/contract.ts'
import { isCount, type Millis } from '../protocol/ids.ts'
import { isLifetime, type Lifetime, lifetimeForms } from '../protocol/lifetime.ts'
import { completeLimits, type Limits } from '../protocol/limits.ts'
import {
  checkOptions,
  isFunction,
  isListOf,
  isNumber,
  isObjectWith,
  isOneOf,
  isText,
  type Rule,
} from '../protocol/options.ts'
import type { Store } from '../store/contract.ts'
import type { Allow, Authenticate } from './authenticate.ts'
import { type ClusterOptions, clusterRules } from './cluster.ts'
import type { Hooks } from './hooks.ts'
import { trustedProxies } from './proxies.ts'
import { areWebhooks, checkWebhooks, type WebhookOptions } from './webhooks.ts'

export type NodeOptions = Hooks & {
  readonly store: Store
  /** Where pictures, videos and other files are kept. Without it the node takes none. */
  readonly media?: MediaStore
  /** Who a token stands for. Without it the node listens on loopback only, and a token is simply the user's name. */
  readonly authenticate?: Authenticate
  /** Decides on each send before it is delivered. Default: all are allowed. */
  readonly allow?: Allow
  readonly limits?: Partial<Limits>
  /**
   * What becomes of messages from someone whom the recipient has blocked. `told` (default): they are refused with `blocked`.
   * `swallowed`: they vanish, and their sender is told "sent", and never "delivered".
   */
  readonly blocked?: 'told' | 'swallowed'
  /**
   * How long messages of a chat stay until somebody changes it: a lifetime of docs/protocol.md. Default `default`: for the retention
   * time. With `permanent` each message has three copies more, and both sides see all of it on each new device.
   */
  readonly lifetime?: Lifetime
  /**
   * Whether users may write so that this node cannot read it (docs/e2ee.md). Default `off`. `required`: between two users it takes nothing
   * else.
   */
  readonly e2ee?: 'off' | 'allowed' | 'required'
  /** Names this service to devices, which sign it with their keys: it is the same on all nodes, and in `e2ee({ realm })` of clients. Default: empty. */
  readonly realm?: string
  /** Milliseconds after the last activity at which a connected user counts as gone. Default 20,000; 0: connected means online. */
  readonly onlineMs?: Millis
  /** Seconds after which a silent connection is dead, 8 to 960. Default 30. */
  readonly heartbeatSeconds?: number
  /**
   * Origins of web pages that may come, such as `http://localhost:5173`, beside the node's own. Without it those of any origin may
   * where there is `authenticate`, else none.
   */
  readonly allowOrigins?: readonly string[]
  /** Addresses and networks (`10.0.0.0/8`) of proxies that tell the addresses of clients, by PROXY v2 or `x-forwarded-for`. Default: none. */
  readonly trustedProxies?: readonly string[]
  /** Opens `/admin/v1` to whoever bears it; a function may answer another one each time. Without it the loopback may look where there is no `authenticate`, else nobody. */
  readonly operatorToken?: string | (() => string)
  /** Makes the node one of several on one Cassandra. Without it the node has the store for itself. */
  readonly cluster?: ClusterOptions
  /** A service that is told over HTTP what happens: docs/webhooks.md. Default: none. */
  readonly webhooks?: WebhookOptions
}

/** With defaults. */
export type CompleteOptions = NodeOptions & {
  readonly limits: Limits
  readonly lifetime: Lifetime
  readonly onlineMs: Millis
  readonly heartbeatSeconds: number
  /** Whether an address is that of a trusted proxy. */
  readonly trusts: (address: string) => boolean
}

const rules: Record<keyof NodeOptions, Rule> = {
  store: isObjectWith('lmdbStore(folder), cassandraStore(options) or memoryStore()', 'open', 'append'),
  media: isObjectWith('fileMedia(folder) or sharedMedia(options)', 'open', 'begin'),
  authenticate: isFunction,
  allow: isFunction,
  onAccepted: isFunction,
  onDelivered: isFunction,
  onRead: isFunction,
  onWaiting: isFunction,
  onFault: isFunction,
  onEvent: isFunction,
  limits: isObjectWith('an object'),
  blocked: isOneOf('told', 'swallowed'),
  e2ee: isOneOf('off', 'allowed', 'required'),
  realm: isText,
  lifetime: isText,
  onlineMs: isNumber,
  heartbeatSeconds: isNumber,
  allowOrigins: isListOf('origins, such as http://localhost:5173', /^(?:null|[a-z][a-z\d+.-]*:\/\/[^/?#]+)$/),
  trustedProxies: isListOf('addresses and networks, such as 10.0.0.0/8'),
  webhooks: areWebhooks,
  operatorToken: {
    words: 'text that is not empty, or a function',
    fits: (value) => isText.fits(value) || isFunction.fits(value),
  },
  cluster: isObjectWith('{ name }'),
}

/** Throws a TypeError or a RangeError for options that cannot be. */
export function completeOptions(options: NodeOptions): CompleteOptions {
  checkOptions('createNode', options, rules, ['store'])
  const limits = completeLimits(options.limits)
  const { heartbeatSeconds = 30, lifetime = 'default', onlineMs = 20_000 } = options
  if (!(Number.isInteger(heartbeatSeconds) && heartbeatSeconds >= 8 && heartbeatSeconds <= 960))
    throw new RangeError('heartbeatSeconds must be a whole number from 8 to 960')
  if (!isLifetime(lifetime)) throw new RangeError(`lifetime must be ${lifetimeForms}, not "${lifetime}"`)
  if (!isCount(onlineMs)) throw new RangeError('onlineMs must be a whole number from 0')
  if (options.cluster) checkOptions('cluster', options.cluster, clusterRules, ['name'])
  if (options.cluster && options.media && !options.media.isShared)
    throw new RangeError('a node in a cluster needs media that all nodes have: sharedMedia(options), and not fileMedia')
  if (options.webhooks) checkWebhooks(options.webhooks)
  const trusts = trustedProxies(options.trustedProxies ?? [])
  return { ...options, limits, lifetime, heartbeatSeconds, onlineMs, trusts }
}
