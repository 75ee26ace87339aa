/** How much of a file of LMDB's is in use. */
type Counts = { treeBranchPageCount: number; treeLeafPageCount: number; overflowPages: number }
type Stats = Counts & { pageSize: number; lastPageNumber: number; root: Counts; free: Counts }
type Counted = { getStats(): object }

const statsOf = (table: Counted): Stats => table.getStats() as Stats
const pagesOf = ({ treeBranchPageCount, treeLeafPageCount, overflowPages }: Counts): number =>
  treeBranchPageCount + treeLeafPageCount + overflowPages

/** Bytes of the pages that hold these tables. */
export const bytesUsed = (tables: readonly Counted[]): number =>
  tables.map(statsOf).reduce((sum, stats) => sum + pagesOf(stats) * stats.pageSize, 0)

/** Bytes of pages that held what was removed: new rows take them before the file grows. `tables`: all that the file has. */
export function bytesFree(file: Counted, tables: readonly Counted[]): number {
  const { pageSize, lastPageNumber, root, free } = statsOf(file)
  return (lastPageNumber + 1 - pagesOf(root) - pagesOf(free)) * pageSize - bytesUsed(tables)
}
