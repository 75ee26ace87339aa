import type { Requests } from './requests.ts'

const query = "SELECT value FROM settings WHERE name = 'version'"
const probe = { query: "INSERT INTO settings (name, value) VALUES ('probe', 0)", params: [] }
/** Milliseconds for the cluster to say that it is well. */
const healthMs = 2_000

/** Whether the cluster answers a small read; and a small write, where the last write failed: nobody else writes as long as nobody is sent here. */
export async function health(requests: Requests): Promise<{ ok: true } | { ok: false; reason: string }> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, fail) => {
    const seconds = healthMs / 1000
    timer = setTimeout(() => fail(new Error(`the cluster did not answer within ${seconds} s`)), healthMs)
  })
  try {
    await Promise.race([look(requests), late])
    return { ok: true }
  } catch (error) {
    return { ok: false, reason: (error as Error).message }
  } finally {
    clearTimeout(timer)
  }
}

async function look(requests: Requests): Promise<void> {
  await requests.rows(query, [])
  if (requests.writeFailed) await requests.write([probe])
}
