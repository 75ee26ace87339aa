/** What a process has in V8's heap, by class: whose fields and tables a user's bytes are. */
import { json } from 'node:stream/consumers'
import { getHeapSnapshot } from 'node:v8'

/** Bytes by class of objects, or by kind of what has no class. */
export type Classes = Readonly<Record<string, number>>

type Snapshot = {
  readonly snapshot: { readonly meta: { readonly node_fields: string[]; readonly node_types: [string[]] } }
  readonly nodes: readonly number[]
  readonly strings: readonly string[]
}

/** From a heap snapshot, which collects first. What V8 keeps to tell objects of the next one apart stays in the process. */
export async function classes(): Promise<Classes> {
  const { snapshot, nodes, strings } = (await json(getHeapSnapshot())) as Snapshot
  const { node_fields: fields, node_types: types } = snapshot.meta
  const [type, name, size] = ['type', 'name', 'self_size'].map((field) => fields.indexOf(field)) as [
    number,
    number,
    number,
  ]
  const bytes: Record<string, number> = {}
  for (let node = 0; node < nodes.length; node += fields.length) {
    const kind = types[0][nodes[node + type] as number] as string
    // What lies outside of the heap.
    if (kind === 'native') continue
    const hasName = kind === 'object' || kind === 'array' || kind === 'hidden'
    const what = hasName ? (strings[nodes[node + name] as number] as string) || kind : kind
    bytes[what] = (bytes[what] ?? 0) + (nodes[node + size] as number)
  }
  return bytes
}
