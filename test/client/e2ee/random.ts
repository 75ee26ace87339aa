/** A whole number below `limit`. */
export type Random = (limit: number) => number

/** The same numbers for the same seed (Park and Miller). */
export function generator(seed: number): Random {
  let state = (seed % 2_147_483_646) + 1
  return (limit) => {
    state = (state * 48_271) % 2_147_483_647
    return state % limit
  }
}
