/**
 * What operators may ask of a node, in one table: of it are made the routes of `/admin/v1`, the OpenAPI document that describes them, and
 * `bluetick admin`.
 */
import type { Operated } from '../embed/events.ts'
import { type GroupChange, groupChanges } from '../embed/groups.ts'
import type { MediaRef } from '../protocol/ids.ts'
import type { BluetickCalls } from './calls.ts'

/** What a field may be, and what it is then. */
type Values = {
  readonly text: string
  readonly texts: readonly string[]
  /** A file that was uploaded before. */
  readonly media: MediaRef
  /** Of a group. */
  readonly change: GroupChange['change']
}
export type FieldType = keyof Values
export type Field = { readonly type: FieldType; readonly text: string; readonly optional?: boolean }
type Fields = Readonly<Record<string, Field>>
/** What was asked, checked: all fields that are not optional, of their types. */
type Given<Of extends Fields> = {
  readonly [Name in keyof Of as Of[Name] extends { readonly optional: true } ? never : Name]: Values[Of[Name]['type']]
} & {
  readonly [Name in keyof Of as Of[Name] extends { readonly optional: true } ? Name : never]?: Values[Of[Name]['type']]
}

export type Operation = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Below `/admin/v1`, with fields in braces. */
  readonly path: string
  readonly text: string
  /** Those of the path, then those of the query (GET, DELETE) or of the body in JSON. */
  readonly fields: Fields
  /** Whether it answers lines of JSON, as they are read. */
  readonly lines?: true
  /** Undefined: nothing is known of that. */
  readonly run: (node: BluetickCalls, given: Readonly<Record<string, unknown>>) => unknown
}

/** `at`: method and path. */
function operation<const Of extends Fields>(
  at: `${Operation['method']} /${string}`,
  text: string,
  fields: Of,
  run: (node: BluetickCalls, given: Given<Of>) => unknown,
): Operation {
  const [method, path = ''] = at.split(' ') as [Operation['method'], string]
  return { method, path, text, fields, run: run as Operation['run'] }
}

const lines = (operation: Operation): Operation => ({ ...operation, lines: true })

const user = { type: 'text', text: 'id of a user' } as const
const message = { type: 'text', text: 'id of a message' } as const
const group = { type: 'text', text: 'id of a group, which begins with #' } as const
const id = { type: 'text', text: 'a UUID: what is repeated under it is done once', optional: true } as const
const content = {
  body: { type: 'text', text: 'what it says' },
  media: { type: 'media', text: 'a file that was uploaded before: { media, type, size }', optional: true },
  id,
} as const

const table = {
  stats: operation('GET /stats', 'Counters of the node.', {}, (node) => node.stats()),
  online: operation(
    'GET /online',
    'Users who are connected, by whatever node, in the order of their names, and how many they are in all. `missing`: nodes that did not answer within two seconds, whose users are left out.',
    {
      after: { type: 'text', text: 'those after this one', optional: true },
      limit: { type: 'text', text: 'how many at most; default 100, never more than 1,000', optional: true },
    },
    (node, { after, limit }) => node.online({ ...(after && { after }), ...(limit && { limit: Number(limit) }) }),
  ),
  users: operation(
    'GET /users',
    'Users who are stored, in the order of the store, and `next`: behind whom the next page begins, null where there are no more.',
    {
      after: { type: 'text', text: 'those behind this one', optional: true },
      limit: { type: 'text', text: 'how many at most; default 100, never more than 1,000', optional: true },
    },
    (node, { after, limit }) => node.users({ ...(after && { after }), ...(limit && { limit: Number(limit) }) }),
  ),
  cluster: operation('GET /cluster', 'The cluster as the node knows it: nodes, shards, links.', {}, (node) =>
    node.cluster(),
  ),
  drain: operation(
    'POST /drain',
    'Ends the node as planned: its shards go to the other nodes of its cluster, and its clients are told to come back.',
    {},
    (node) => {
      node.drain()
      return { drains: true }
    },
  ),
  user: operation(
    'GET /users/{user}',
    'What is known of a user: devices, their cursors, the inbox.',
    { user },
    (node, { user }) => node.inspect(user),
  ),
  sessions: operation(
    'GET /users/{user}/sessions',
    'Through which devices a user is connected, from where, and in a cluster by which node.',
    { user },
    async (node, { user }) => ({ sessions: await node.sessions(user) }),
  ),
  disconnect: operation(
    'DELETE /users/{user}/sessions',
    'Ends the sessions of a user, or of one device. Clients come back, and show their tokens anew.',
    { user, device: { type: 'text', text: 'only this device', optional: true } },
    async (node, { user, device }) => ({ ended: await node.disconnect(user, device) }),
  ),
  erase: operation(
    'DELETE /users/{user}',
    'Erases what is kept of a user, bans them, and takes them out of all groups. Answers which they were in, which of them could not be asked, and what stays.',
    { user },
    (node, { user }) => node.eraseUser(user),
  ),
  erasures: operation(
    'GET /erasures',
    'Users whose erasure is not over, and which groups are in the way. The node goes on by itself.',
    {},
    async (node) => ({ erasures: await node.erasures() }),
  ),
  export: lines(
    operation(
      'GET /users/{user}/export',
      'What is kept of a user, with their media, as lines of JSON. The last is `end`: without it something is missing.',
      { user },
      (node, { user }) => node.exportUser(user),
    ),
  ),
  bans: operation('GET /bans', 'Who is banned.', {}, async (node) => ({ bans: await node.bans() })),
  ban: operation(
    'PUT /bans/{user}',
    'Ends the sessions of a user, and lets them in no more.',
    { user },
    async (node, { user }) => {
      await node.ban(user)
      return { banned: true }
    },
  ),
  unban: operation(
    'DELETE /bans/{user}',
    'Lets a user in again; answers whether they were banned.',
    { user },
    async (node, { user }) => ({ was: await node.unban(user) }),
  ),
  message: operation(
    'GET /messages/{message}',
    'What became of a message of the last day, step by step.',
    { message },
    async (node, { message }) => ({ steps: await node.trace(message) }),
  ),
  'delete-message': operation(
    'DELETE /messages/{message}',
    'Deletes a message of the last day for everybody. Answers from whose inboxes, and of which group.',
    { message },
    async (node, { message }) => ({ deleted: await node.deleteMessage(message) }),
  ),
  send: operation(
    'POST /messages',
    'Sends a message as a user. Answers when it is durable.',
    { from: user, to: { type: 'text', text: 'id of a user or of a group' }, ...content },
    async (node, given) => ({ at: await node.send(given) }),
  ),
  broadcast: operation(
    'POST /broadcasts',
    'Sends a message to many users, each in a chat of their own. Answers what became of each.',
    { from: user, to: { type: 'texts', text: 'ids of users' }, ...content },
    async (node, given) => ({ results: await node.broadcast(given) }),
  ),
  'create-group': operation(
    'POST /groups',
    'Makes a group. Answers its id.',
    {
      by: { type: 'text', text: 'id of the user who is its admin' },
      name: { type: 'text', text: 'its name' },
      members: { type: 'texts', text: 'ids of users who become members', optional: true },
      id,
    },
    async (node, given) => ({ group: await node.createGroup(given) }),
  ),
  group: operation(
    'GET /groups/{group}',
    'A group as it is now: name, members, admins, history, lifetime.',
    { group },
    (node, { group }) => node.group(group),
  ),
  'change-group': operation(
    'POST /groups/{group}/changes',
    'Changes a group as one of its admins.',
    {
      group,
      by: { type: 'text', text: 'id of the admin' },
      change: { type: 'change', text: 'what it changes' },
      value: { type: 'text', text: 'a name, a user, users each in a line, a number, a lifetime, or nothing' },
      id,
    },
    async (node, given) => ({ at: await node.changeGroup(given) }),
  ),
  'dead-webhooks': operation(
    'GET /webhooks/dead',
    'Events that the service of webhooks did not take, and that were put aside: the latest hundred.',
    {},
    async (node) => ({ dead: await node.deadWebhooks() }),
  ),
} satisfies Record<string, Operation>

export type OperationName = keyof typeof table
export const operations: Readonly<Record<OperationName, Operation>> = table
export const operationNames = Object.keys(table) as readonly OperationName[]
export const adminPath = '/admin/v1'
export const linesType = 'application/x-ndjson'

/** The names of the fields that are in the path. */
export const pathFields = (path: string): readonly string[] =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)

/** Letters of what is told to a log: of what is no id there may be a megabyte. */
const longest = 256

/** What of it is told to a log: whom it is about and in whose name, never what is written. Of what cannot be, nothing. */
export function audited(operation: Operation, given: Readonly<Record<string, unknown>>): Operated {
  const about: Record<string, string | number> = {}
  for (const name of ['user', 'group', 'message', 'device', 'from', 'to', 'by', 'change']) {
    const value = Object.hasOwn(operation.fields, name) ? given[name] : undefined
    if (typeof value === 'string') about[name] = value.slice(0, longest)
    if (Array.isArray(value)) about[name] = value.length
  }
  return about
}

/** Why what was given is not what is asked for, in words; undefined: it is. */
export function wrongField({ fields }: Operation, given: Readonly<Record<string, unknown>>): string | undefined {
  for (const name of Object.keys(given))
    if (!Object.hasOwn(fields, name))
      return `there is no ${name}; there is ${Object.keys(fields).join(', ') || 'nothing to give'}`
  for (const [name, { type, text, optional }] of Object.entries(fields)) {
    const value = given[name]
    if (value === undefined ? !optional : !isOf[type](value)) return `${name} must be ${words[type]}: ${text}`
  }
  return undefined
}

const words: Readonly<Record<FieldType, string>> = {
  text: 'text',
  texts: 'a list of texts',
  media: 'an object',
  change: groupChanges.join(' or '),
}
const isOf: Readonly<Record<FieldType, (value: unknown) => boolean>> = {
  text: (value) => typeof value === 'string',
  texts: (value) => Array.isArray(value) && value.every((one) => typeof one === 'string'),
  media: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  change: (value) => groupChanges.includes(value as GroupChange['change']),
}
