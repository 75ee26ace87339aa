#!/usr/bin/env -S MALLOC_TRIM_THRESHOLD_=131072 node --no-allocation-site-pretenuring
/**
 * The line above lets glibc give back what is free: left to itself it keeps some 2 MB in each thread after many connects, 390
 * bytes for each of 19,000 users. And it keeps V8 from putting what lives for one message where only a collection of all garbage finds it,
 * as it does for good wherever much was alive in a busy moment. The bench starts its nodes in the same way.
 */

import { createRequire } from 'node:module'
import { StoreError } from '../store/error.ts'
import { Misuse, meant } from './misuse.ts'
import type { Option } from './values.ts'
import { strayVariables } from './variables.ts'

type Command = { readonly run: (args: string[]) => Promise<void>; readonly table?: Readonly<Record<string, Option>> }

/** Loaded when it is asked for: a node takes a third of a second to load, and most commands need none. */
const commands: Record<string, () => Promise<Command>> = {
  serve: async () => {
    const { serve: run, table } = await import('./serve.ts')
    return { run, table }
  },
  token: async () => {
    const { token: run, table } = await import('./token.ts')
    return { run, table }
  },
  schema: async () => {
    const { schema: run, table } = await import('./schema.ts')
    return { run, table }
  },
  copy: async () => {
    const { copy: run, table } = await import('./copy.ts')
    return { run, table }
  },
  compact: async () => {
    const { compact: run, table } = await import('./compact.ts')
    return { run, table }
  },
  backup: async () => {
    const { backup: run, table } = await import('./backup.ts')
    return { run, table }
  },
  restore: async () => {
    const { restore: run, table } = await import('./restore.ts')
    return { run, table }
  },
  inspect: async () => {
    const { inspect: run, table } = await import('./inspect.ts')
    return { run, table }
  },
  ban: async () => {
    const { ban: run, table } = await import('./ban.ts')
    return { run, table }
  },
  unban: async () => {
    const { unban: run, table } = await import('./ban.ts')
    return { run, table }
  },
  bans: async () => {
    const { bans: run, table } = await import('./ban.ts')
    return { run, table }
  },
  disconnect: async () => {
    const { disconnect: run, table } = await import('./disconnect.ts')
    return { run, table }
  },
  admin: async () => {
    const { admin: run, table } = await import('./admin.ts')
    return { run, table }
  },
  webhooks: async () => {
    const { webhooks: run, table } = await import('./webhooks.ts')
    return { run, table }
  },
  cluster: async () => {
    const { cluster: run, table } = await import('./cluster.ts')
    return { run, table }
  },
  bench: async () => ({ run: (await import('../../bench/main.ts')).bench }),
}

const usage = `bluetick serve [options]          run a node
bluetick token USER [options]     make a token for a user
bluetick schema apply|check       make the tables of a Cassandra keyspace, or compare them
bluetick copy --data FOLDER       copy an embedded store into a Cassandra keyspace
bluetick compact --data FOLDER    write an embedded store anew, without what was deleted
bluetick backup --to FOLDER       copy the data of a node, also of one that runs
bluetick restore --from FOLDER    make a data folder of a backup
bluetick inspect [USER]           what a running node knows of a user, or counts
bluetick inspect --message ID     what became of a message
bluetick ban USER                 end the sessions of a user, and let them in no more
bluetick unban USER               let them in again
bluetick bans                     who is banned
bluetick disconnect USER          end the sessions of a user, whose clients come back
bluetick admin [OPERATION]        what else operators ask of a running node
bluetick webhooks dead            which events a service did not take
bluetick cluster status           which nodes a cluster has, and which shards
bluetick cluster drain            end a node as planned: its shards go to the others
bluetick bench NAME [options]     how many users a node holds here, and how fast it is

bluetick --version                which version this is

Each command says more with --help.`

// Whoever reads what is printed may go, as `head` does: what the command does goes on, and a node above all.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)

const [name = '', ...args] = process.argv.slice(2)
const command = Object.hasOwn(commands, name) ? commands[name] : undefined
if (['', '--help', '-h', 'help'].includes(name)) console.log(usage)
else if (name === '--version') console.log(createRequire(import.meta.url)('bluetick/package.json').version)
else if (!command) {
  console.error(`bluetick: there is no command ${name}${meant(name, Object.keys(commands))}\n\n${usage}`)
  process.exitCode = 2
} else {
  run(command).catch((error: Error) => {
    console.error(`bluetick ${name}: ${error.message}`)
    // At once: a driver that could not connect leaves sockets open.
    process.exit(exitCode(error))
  })
}

async function run(load: () => Promise<Command>): Promise<void> {
  const { run, table } = await load()
  const all = async () =>
    (await Promise.all(Object.values(commands).map((load) => load()))).map(({ table }) => table ?? {})
  for (const line of table ? await strayVariables(table, all) : []) console.error(`bluetick: ${line}`)
  await run(args)
}

/** 2: what was typed cannot be. 75: the other nodes have taken this one for dead, and it is to be started anew. */
function exitCode(error: Error): number {
  if (error instanceof Misuse) return 2
  return error instanceof StoreError && error.code === 'fenced' ? 75 : 1
}
