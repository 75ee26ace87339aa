import { createRequire } from 'node:module'

type Driver = typeof import('cassandra-driver')
let loaded: Driver | undefined

/** The driver. It takes 0.3 s and 18 MB to load, so it is loaded when a cluster is first used, and not with the package. */
export function driver(): Driver {
  loaded ??= createRequire(import.meta.url)('cassandra-driver') as Driver
  return loaded
}
