/** Where the CPU of a profiled node went: the shares of the parts that it is made of, as text. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What `--cpu-prof` writes, as far as it is used. */
type Profile = {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string }
  }[]
  readonly samples: readonly number[]
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[]
}

/** The profiles in a folder that are not among `before`. */
export const profilesIn = (folder: string, before: readonly string[] = []): string[] =>
  existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith('.cpuprofile') && !before.includes(file)) : []

export const sharesOf = (folder: string, file: string): string =>
  shares(JSON.parse(readFileSync(join(folder, file), 'utf8')) as Profile)

/** The time that the node's own thread was busy: how much of it each part took, the largest first. */
export function shares({ nodes, samples, timeDeltas }: Profile): string {
  const parts = new Map(nodes.map(({ id, callFrame }) => [id, partOf(callFrame)]))
  const took = new Map<string, number>()
  for (const [n, id] of samples.entries()) {
    const part = parts.get(id) ?? '(program)'
    took.set(part, (took.get(part) ?? 0) + (timeDeltas[n] ?? 0))
  }
  took.delete('(idle)')
  const busy = [...took.values()].reduce((sum, one) => sum + one, 0)
  const rows = [...took].sort(([, a], [, b]) => b - a).map(([part, us]) => [part, (100 * us) / busy] as const)
  return rows
    .filter(([, share]) => share >= 0.5)
    .map(([part, share]) => `  ${share.toFixed(1).padStart(5)} %  ${part}`)
    .join('\n')
}

/** What is native counts for who calls it: a write to a socket for `send` of the gateway. */
function partOf({ functionName, url }: { functionName: string; url: string }): string {
  if (functionName === 'send' && url.endsWith('/gateway/connection.js')) return 'socket writes'
  const [, library] = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url) ?? []
  if (library) return library
  const [, own] = /\/dist\/(actors|src\/[^/]+|bench)\//.exec(url) ?? []
  if (own) return own
  if (url.startsWith('node:')) return 'node'
  return functionName.startsWith('(') ? functionName : 'other'
}
