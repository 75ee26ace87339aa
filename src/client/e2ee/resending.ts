/** What this device has sent is said again to one that could not read it. */
import { parseLink } from '../../protocol/keys/link.ts'
import type { Engine } from './engine.ts'
import type { Line } from './line.ts'
import { memberNamed, type Pin, waits } from './pins.ts'
import { type Device, sayQuietly } from './quiet.ts'
import { type Task, taskName } from './repairs.ts'
import { carried } from './sealing.ts'

/** To a device that was there when it was sent; it waits while the user of that one is somebody else than before. */
export async function resend(engine: Engine, line: Line, task: Task): Promise<void> {
  const { repairs, pins, vault } = engine
  const name = taskName(task)
  if (!repairs.tasks.has(name) || !line.isOpen) return
  const pin = await pins.known(line, task.user)
  if (waits(pin)) return
  const logged = repairs.logged(task.id)
  const n = logged?.ns[task.user] ?? (logged && engine.groups?.cameBefore(task.user, logged) ? pin.chain.n : 0)
  const wasThere = logged && addedAt(pin, task) <= n
  const says = wasThere
    ? { ...carried(logged), body: logged.body, chat: logged.to, ...logged.says }
    : ({ body: '', says: 'none' } as const)
  await sayQuietly(engine, line, task, { ...says, of: task.id }, false)
  repairs.tasks.delete(name)
  vault.set([[`task:${name}`, undefined]])
  await vault.flush()
}

/** The number of the link that has added a device as it is now. */
function addedAt({ chain, links }: Pin, { device }: Device): number {
  const identity = String(memberNamed(chain, device)?.identity)
  const at = links.findIndex((link) => parseLink(link)?.add.some((added) => String(added.identity) === identity))
  return at < 0 ? Number.POSITIVE_INFINITY : at + 1
}
