import type { Requests } from './requests.ts'

const query = "SELECT value FROM settings WHERE name = 'version'"
/** Milliseconds for the cluster to say that it is well. */
const healthMs = 2_000

/** Whether the cluster answers a small read. */
export async function health(requests: Requests): Promise<{ ok: true } | { ok: false; reason: string }> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, fail) => {
    const seconds = healthMs / 1000
    timer = setTimeout(() => fail(new Error(`the cluster did not answer within ${seconds} s`)), healthMs)
  })
  try {
    await Promise.race([requests.rows(query, []), late])
    return { ok: true }
  } catch (error) {
    return { ok: false, reason: (error as Error).message }
  } finally {
    clearTimeout(timer)
  }
}
