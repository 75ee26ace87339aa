/** The pages of a file of LMDB's, as lmdb 3.5 lays them out; of a big-endian machine they would be others. */

/** The head of a page: its number, its transaction, what it is, and the ends of its list of nodes and of their room. */
const headBytes = 24
const [branchPage, leafPage, metaPage] = [0x01, 0x02, 0x08]
const nodeBytes = 8
/** The value of a node stands on pages of its own, or is a tree. */
const [onPages, isTree] = [0x01, 0x02]
const treeBytes = 48
const [magic, version] = [0xbeefc0de, 2]
const noPage = 0xffff_ffff_ffff_ffffn

/** What a tree consists of: pages, by what they are, and rows. */
export type Counts = {
  readonly branches: number
  readonly leaves: number
  readonly values: number
  readonly rows: number
}
/** `root` undefined: it is empty. */
export type Tree = { readonly root: number | undefined; readonly depth: number; readonly counts: Counts }
/** `free`: the tree with the lists of free pages. `last`: the last page that was ever used. */
export type Meta = {
  readonly pageSize: number
  readonly transaction: number
  readonly last: number
  readonly free: Tree
  readonly main: Tree
}
/** Pages that follow each other. */
export type Run = { readonly page: number; readonly count: number }
/** What the nodes of a page name: pages of the next level, pages with values, and trees. */
export type Nodes = {
  readonly count: number
  readonly pages: readonly number[]
  readonly values: readonly Run[]
  readonly trees: readonly Tree[]
}

/** One of the two heads of a file; undefined: it is none. */
export function metaOf(page: Buffer): Meta | undefined {
  if (page.readUInt16LE(18) !== metaPage || page.readUInt32LE(headBytes) !== magic) return undefined
  const pageSize = page.readUInt32LE(headBytes + 24)
  const sound = (page.readUInt32LE(headBytes + 4) & 0xffff) === version && [4, 8, 16, 32, 64].includes(pageSize / 1024)
  const free = headBytes + 24
  const end = free + 2 * treeBytes
  const trees = { free: treeAt(page, free), main: treeAt(page, free + treeBytes) }
  return sound ? { pageSize, transaction: numberAt(page, end + 8), last: numberAt(page, end), ...trees } : undefined
}

function treeAt(page: Buffer, at: number): Tree {
  const root = page.readBigUInt64LE(at + 40)
  const [branches, leaves, values, rows] = [8, 16, 24, 32].map((part) => numberAt(page, at + part))
  const counts = { branches, leaves, values, rows } as Counts
  return { root: root === noPage ? undefined : Number(root), depth: page.readUInt16LE(at + 6), counts }
}

const numberAt = (page: Buffer, at: number): number => Number(page.readBigUInt64LE(at))

/** What a page is expected to be. `transaction`: of the head that names it, which came after all its pages. */
type Expected = { readonly page: number; readonly transaction: number; readonly leaf: boolean }

/** Undefined: the page is not what it is expected to be, or has nodes that are not within it. */
export function nodesOf(bytes: Buffer, expected: Expected): Nodes | undefined {
  const [lower, upper] = [bytes.readUInt16LE(20), bytes.readUInt16LE(22)]
  const sound =
    numberAt(bytes, 0) === expected.page &&
    numberAt(bytes, 8) <= expected.transaction &&
    bytes.readUInt8(18) === (expected.leaf ? leafPage : branchPage) &&
    lower >= 2 &&
    lower % 2 === 0 &&
    lower <= upper &&
    upper <= bytes.length - headBytes
  if (!sound) return undefined
  const nodes = { count: lower / 2, pages: [] as number[], values: [] as Run[], trees: [] as Tree[] }
  for (let n = 0; n < nodes.count; n++) {
    const at = bytes.readUInt16LE(headBytes + 2 * n)
    if (at < upper || !addNode(bytes, at + headBytes, expected.leaf, nodes)) return undefined
  }
  return nodes
}

/** Whether the node at `at` is within the page. */
function addNode(
  bytes: Buffer,
  at: number,
  leaf: boolean,
  nodes: { pages: number[]; values: Run[]; trees: Tree[] },
): boolean {
  if (at + nodeBytes > bytes.length) return false
  const [low, flags] = [bytes.readUInt32LE(at), bytes.readUInt16LE(at + 4)]
  const value = at + nodeBytes + bytes.readUInt16LE(at + 6)
  if (!leaf) {
    nodes.pages.push(flags * 2 ** 32 + low)
    return value <= bytes.length
  }
  if ((flags & onPages) !== 0) {
    if (value + 24 > bytes.length) return false
    const count = numberAt(bytes, value + 16)
    nodes.values.push({ page: numberAt(bytes, value), count })
    return count * bytes.length >= low + headBytes
  }
  if (value + low > bytes.length) return false
  if ((flags & isTree) !== 0) {
    if (low !== treeBytes) return false
    nodes.trees.push(treeAt(bytes, value))
  }
  return flags === 0 || flags === isTree
}

/** Where a list of free pages is, in its leaf or on pages of its own. */
export type Place = { readonly onPage: number | undefined; readonly at: number; readonly bytes: number }

/** The places of the lists that a leaf of the tree of free pages has; `nodesOf` took it. */
export function listsOf(leaf: Buffer): Place[] {
  return Array.from({ length: leaf.readUInt16LE(20) / 2 }, (_, n) => {
    const node = leaf.readUInt16LE(headBytes + 2 * n) + headBytes
    const value = node + nodeBytes + leaf.readUInt16LE(node + 6)
    const bytes = leaf.readUInt32LE(node)
    const apart = (leaf.readUInt16LE(node + 4) & onPages) !== 0
    return apart ? { onPage: numberAt(leaf, value), at: headBytes, bytes } : { onPage: undefined, at: value, bytes }
  })
}

/** The pages of a list of free ones: its length, then numbers of pages, with a negative length before those of runs, and zeros. */
export function freeOf(list: Buffer): Run[] | undefined {
  const length = list.length < 8 ? -1 : Number(list.readBigInt64LE(0))
  if (length < 0 || 8 * (length + 1) > list.length) return undefined
  const runs: Run[] = []
  let count = 1
  for (let n = 1; n <= length; n++) {
    const number = Number(list.readBigInt64LE(8 * n))
    if (number > 0) runs.push({ page: number, count })
    count = number < 0 ? -number : 1
  }
  return runs
}
