#!/usr/bin/env -S MALLOC_TRIM_THRESHOLD_=131072 node
/**
 * The line above lets glibc give back what is free: left to itself it keeps some 2 MB in each thread after many connects, 390
 * bytes for each of 19,000 users. The bench starts its nodes in the same way.
 */

import { createRequire } from 'node:module'

/** Loaded when it is asked for: a node takes a third of a second to load, and most commands need none. */
const commands: Record<string, (args: string[]) => Promise<void>> = {
  serve: async (args) => (await import('./serve.ts')).serve(args),
  token: async (args) => (await import('./token.ts')).token(args),
  schema: async (args) => (await import('./schema.ts')).schema(args),
  copy: async (args) => (await import('./copy.ts')).copy(args),
  compact: async (args) => (await import('./compact.ts')).compact(args),
  backup: async (args) => (await import('./backup.ts')).backup(args),
  restore: async (args) => (await import('./restore.ts')).restore(args),
  inspect: async (args) => (await import('./inspect.ts')).inspect(args),
  bench: async (args) => (await import('../../bench/main.ts')).bench(args),
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
bluetick bench NAME [options]     how many users a node holds here, and how fast it is

Each command says more with --help.`

// Whoever reads what is printed may go, as `head` does: what the command does goes on, and a node above all.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)

const [name = '', ...args] = process.argv.slice(2)
const command = Object.hasOwn(commands, name) ? commands[name] : undefined
if (['', '--help', '-h', 'help'].includes(name)) console.log(usage)
else if (name === '--version') console.log(createRequire(import.meta.url)('bluetick/package.json').version)
else if (!command) {
  console.error(`bluetick: there is no command ${name}\n\n${usage}`)
  process.exitCode = 2
} else {
  command(args).catch((error: Error) => {
    console.error(`bluetick ${name}: ${error.message}`)
    // At once: a driver that could not connect leaves sockets open.
    process.exit(1)
  })
}
