/** The limits of the machine that a run would hit, named before it starts with the command that raises them. */
import { execFileSync } from 'node:child_process'
import { freemem } from 'node:os'
import type { Options } from './options.ts'

/** Files that a process has open besides its sockets. */
const otherFiles = 200
/** Memory that a connected user takes at both ends, kernel included, and an actor of `actors` while it is awake. */
const userBytes = 40_000
const actorBytes = 6_000

/** Users of `fanout`, whatever the size of its groups, and a group more. */
const groupUsers = 2_048

/** How much more than its part of the users a node may get. */
const spread = 1.025

/** Throws with the command that raises the limit. */
export function checkLimits(options: Options): void {
  const { what, users, nodes, generators, pairs, devices, actors, awake } = options
  const wanted = {
    // The kernel gives each node its part, give or take some.
    density: Math.ceil(nodes === 1 ? users : Math.max((users / nodes) * spread, users / generators)),
    throughput: pairs * 2,
    latency: pairs * 2,
    fanout: groupUsers,
    replay: devices,
    actors: 0,
    cluster: pairs * 2,
    e2ee: 4 * options.talks,
  }
  const sockets = what === 'all' ? Math.max(...Object.values(wanted)) : wanted[what]
  const files = openFiles()
  if (sockets + otherFiles > files) {
    throw new Error(
      `the node needs ${sockets + otherFiles} open files and may have ${files}: raise it with "ulimit -n ${sockets + 1_000}" (as root, "ulimit -Hn" first), or ask for fewer --users, --pairs and --devices`,
    )
  }
  const bytes = Math.max(
    Math.max(sockets, what === 'density' ? users : 0) * userBytes,
    what === 'actors' ? awake * actorBytes + actors * 1_000 : 0,
  )
  if (bytes > freemem() + 2 ** 30)
    throw new Error(
      `this needs about ${Math.ceil(bytes / 2 ** 20)} MiB of memory, and ${Math.floor(freemem() / 2 ** 20)} are free: ask for fewer --users, --devices or --actors`,
    )
}

/** What a failure says about this machine, with the command that raises the limit; undefined: nothing. */
export function limitBehind(failure: string): string | undefined {
  for (const [sign, advice] of signs) if (sign.test(failure)) return advice
  return undefined
}

const signs: readonly (readonly [RegExp, string])[] = [
  [/EMFILE/, 'a process may not open more files: raise it with "ulimit -n 200000"'],
  [/ENFILE/, 'the machine has no more open files: raise it with "sysctl -w fs.file-max=1000000"'],
  [/EADDRNOTAVAIL/, 'no ports are left: raise it with "sysctl -w net.ipv4.ip_local_port_range=\'1024 65535\'"'],
  [
    /ENOBUFS|ENOMEM/,
    'no kernel memory is left for sockets: raise it with "sysctl -w net.ipv4.tcp_mem=\'786432 1048576 1572864\'"',
  ],
  [
    /too_many_connections/,
    'the node takes no more from one address: start it with --limit connectionsPerAddress=100000',
  ],
  [/SIGKILL/, 'the kernel may have ended it for want of memory ("dmesg | tail"): ask for fewer users or actors'],
  [/SIGABRT|heap/, 'its heap was full: ask for fewer users or actors'],
]

/** Node raises the soft limit to the hard one at its start. */
function openFiles(): number {
  try {
    const limit = execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).trim()
    return limit === 'unlimited' ? Number.POSITIVE_INFINITY : Number(limit)
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
