/** Where a client keeps its cursor and its outbox, one per user and device. Values are plain data and bytes. Calls do not overlap. */
export interface Storage {
  /** What it keeps in: of two storages with the same place, the second waits until the first that was closed is free. */
  readonly place?: string
  /** Takes possession, and answers all that is kept. Called once, first. A StorageError says who has it, or what is wrong with it. */
  load(): Promise<ReadonlyMap<string, unknown>>
  /** Writes all or nothing; undefined removes. Durable when it resolves. After a failure it is not called again. */
  write(changes: ReadonlyMap<string, unknown>): Promise<void>
  /** Leaves it to others. */
  close(): Promise<void>
}

/** Forgets when the program ends. */
export function memoryStorage(): Storage {
  const kept = new Map<string, unknown>()
  return {
    load: async () => new Map(kept),
    write: async (changes) => {
      for (const [key, value] of changes) value === undefined ? kept.delete(key) : kept.set(key, value)
    },
    close: async () => {},
  }
}
