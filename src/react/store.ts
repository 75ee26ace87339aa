/** What `useSyncExternalStore` reads. */
import { useMemo, useSyncExternalStore } from 'react'

/** `now` answers the same object until `subscribe` has told of a change. */
export interface Store<T> {
  subscribe(changed: () => void): () => void
  now(): T
}

export function useStore<T>(store: Store<T>): T {
  const now = () => store.now()
  return useSyncExternalStore(
    useMemo(() => (changed: () => void) => store.subscribe(changed), [store]),
    now,
    now,
  )
}

/** The last value that was told: `listen` starts telling, at once too, and answers what ends it. Begins anew when `of` changes. */
export function useStream<T>(of: readonly unknown[], first: T, listen: (tell: (value: T) => void) => () => void): T {
  const store = useMemo(() => new Stream(first, listen), of)
  return useStore(store)
}

class Stream<T> implements Store<T> {
  #value: T
  readonly #listen: (tell: (value: T) => void) => () => void

  constructor(first: T, listen: (tell: (value: T) => void) => () => void) {
    this.#value = first
    this.#listen = listen
  }

  now(): T {
    return this.#value
  }

  subscribe(changed: () => void): () => void {
    return this.#listen((value) => {
      this.#value = value
      changed()
    })
  }
}
