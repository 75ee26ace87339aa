/** What user actors cost without sockets: up to a million in one process, over a store that answers at once. */
import { startChild } from './child.ts'
import type { Progress } from './progress.ts'
import { started } from './started.ts'

export type ActorsOptions = { readonly actors: number; readonly awake: number; readonly messages: number }

export type ActorsResult = {
  readonly actors: number
  readonly actors_awake_measured: number
  readonly bytes_per_actor_awake: number
  readonly bytes_per_actor_hibernated: number
  readonly heap_bytes_per_actor_hibernated: number
  readonly messages_per_second: number
  readonly cpu_us_per_message: number
  readonly spawn_us: number
  readonly wake_us: number
  readonly gc_p99_ms: number
  readonly gc_max_ms: number
  readonly gc_pauses: number
}

export async function actors(options: ActorsOptions, progress: Progress): Promise<ActorsResult> {
  const child = startChild('actors-host', [], ['--max-old-space-size=8192', ...started.flags], started.env)
  const step = progress.step('actors')
  try {
    return await child.ask<ActorsResult>('run', options, (done) => step(done, options.actors))
  } finally {
    await child.stop()
  }
}
