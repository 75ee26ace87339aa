/** A node of a cluster without sockets: it can end as by kill -9, with its devices. */
import { onTestFinished } from 'vitest'
import { completeOptions } from '../../src/embed/options.ts'
import { Session } from '../../src/hosts/sessions/session.ts'
import type { NodeOptions } from '../../src/index.ts'
import { type Hosts, startHosts } from '../../src/node/hosts.ts'
import type { ServerFrame } from '../../src/protocol/frames.ts'
import { jsonCodec } from '../../src/protocol/json.ts'
import { completeLimits } from '../../src/protocol/limits.ts'
import { systemClock } from '../../src/runtime/index.ts'

const address = { text: '127.0.0.1', open: 0 }

/** A device of a user. */
class Device extends Session {
  readonly frames: ServerFrame[] = []
  code: number | null = null
  #ended: () => void

  constructor(now: number, ended: (device: Device) => void) {
    super(completeLimits({}), now, jsonCodec, address, null)
    this.#ended = () => ended(this)
  }

  send(data: string): boolean {
    this.frames.push(...(jsonCodec.decode(data) as ServerFrame[]))
    return true
  }

  end(code: number): void {
    this.code = code
    this.#ended()
  }
}

export type Bare = Hosts & {
  /** A device of a user comes, and comes again as long as this node closes it. */
  come(user: string): Device
  kill(): void
}

export async function bare(options: NodeOptions): Promise<Bare> {
  const hosts = await startHosts(completeOptions(options), () => {}, systemClock)
  const { sessions, runtime, cluster } = hosts
  let isDead = false
  const come = (user: string): Device => {
    const device = new Device(sessions.now, (one) => {
      sessions.ended(one, 1000)
      if (!isDead) setImmediate(() => come(user))
    })
    sessions.open(device)
    const hello = ['hello', user, 'phone', 0, 0, false, 0, 0]
    sessions.incoming(device, String(jsonCodec.encode([hello as never])))
    return device
  }
  const kill = () => {
    if (isDead) return
    isDead = true
    runtime.stop()
    runtime.end()
    void cluster?.close()
  }
  onTestFinished(kill)
  await hosts.join()
  return { ...hosts, come, kill }
}
