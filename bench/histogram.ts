/** Latencies in buckets of 1 % each, small enough to travel between processes. */
const perE = 100

export class Histogram {
  readonly buckets: number[]

  constructor(buckets: readonly number[] = []) {
    this.buckets = [...buckets]
  }

  record(ms: number): void {
    const bucket = Math.max(0, Math.round(Math.log(ms * 1_000) * perE))
    while (this.buckets.length <= bucket) this.buckets.push(0)
    this.buckets[bucket] = (this.buckets[bucket] as number) + 1
  }

  add(other: readonly number[]): void {
    while (this.buckets.length < other.length) this.buckets.push(0)
    for (const [index, count] of other.entries()) this.buckets[index] = (this.buckets[index] as number) + count
  }

  get count(): number {
    return this.buckets.reduce((sum, count) => sum + count, 0)
  }

  /** In ms; 0 when nothing was recorded. `share`: 0.5 is the median. */
  percentile(share: number): number {
    let left = this.count * share
    for (const [bucket, count] of this.buckets.entries()) {
      left -= count
      if (left <= 0 && count > 0) return Math.exp(bucket / perE) / 1_000
    }
    return 0
  }
}

/** The value below which `share` of the values lie; 0 for none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}
