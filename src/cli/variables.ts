/** Environment variables that are set, and mean nothing to any command: most likely they are misspelt. */
import { meant } from './misuse.ts'
import type { Option } from './values.ts'

type Table = Readonly<Record<string, Option>>

/** What Kubernetes sets in each container for a service that is called bluetick. */
const kubernetes = /^BLUETICK_(SERVICE_|PORT_\d)/

/** A line for each. `all`: the tables of all commands; they are asked for where `own` does not have it. */
export async function strayVariables(own: Table, all: () => Promise<readonly Table[]>): Promise<string[]> {
  const known = (tables: readonly Table[]) => tables.flatMap((table) => Object.values(table).map(({ env }) => env))
  const set = Object.keys(process.env).filter((name) => name.startsWith('BLUETICK_') && !kubernetes.test(name))
  const strange = (names: readonly string[]) => set.filter((name) => !names.includes(name))
  if (strange(known([own])).length === 0) return []
  const names = known(await all())
  return strange(names).map((name) => `nothing is set by ${name}${meant(name, names)}`)
}
