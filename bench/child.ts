/** Processes of the bench and how it talks with them: a question has a number, and its answer the same. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'

type Question = { readonly n: number; readonly ask: string; readonly with: unknown }
type Reply = { readonly n: number; readonly answer?: unknown; readonly error?: string; readonly progress?: number }
type Handlers = Record<string, (args: never, progress: (done: number) => void) => unknown>

export type Child = {
  readonly pid: number
  ask<Answer>(what: string, args?: unknown, progress?: (done: number) => void): Promise<Answer>
  stop(): Promise<void>
}

const running = new Set<ChildProcess>()

/** Ends what still runs: each process cleans up after itself. */
export const stopAll = (): Promise<unknown> => Promise.all([...running].map(stop))

/** Starts `bench/<name>` as a process of its own; `node`: flags for Node. */
export function startChild(
  name: string,
  args: readonly string[] = [],
  node: readonly string[] = [],
  env: Record<string, string> = {},
): Child {
  const path = fileURLToPath(new URL(`./${name}${extname(import.meta.url)}`, import.meta.url))
  const child = fork(path, args, {
    execArgv: [...node],
    env: { ...process.env, ...env },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  running.add(child)
  const waiting = new Map<number, { reply: (reply: Reply) => void }>()
  let asked = 0
  child.on('message', (reply: Reply) => waiting.get(reply.n)?.reply(reply))
  child.on('exit', (code, signal) => {
    running.delete(child)
    for (const [n, { reply }] of waiting) reply({ n, error: `the process ${name} ended (${signal ?? code})` })
  })
  return {
    pid: child.pid as number,
    ask: (what, args, progress) =>
      new Promise((resolve, reject) => {
        asked += 1
        const n = asked
        const reply = ({ answer, error, progress: done }: Reply) => {
          if (done !== undefined) return progress?.(done)
          waiting.delete(n)
          if (error === undefined) resolve(answer as never)
          else reject(new Error(error))
        }
        waiting.set(n, { reply })
        child.send(
          { n, ask: what, with: args } satisfies Question,
          (error) => error && reply({ n, error: error.message }),
        )
      }),
    stop: () => stop(child),
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  if (child.connected) child.disconnect()
  const late = setTimeout(() => child.kill('SIGKILL'), 10_000)
  await ended
  clearTimeout(late)
}

/** Who asked may be gone meanwhile. */
const tell = (reply: Reply): void => void process.send?.(reply, () => {})

/** The other end: answers questions by name until the parent lets go, then runs `end`. */
export function answer(handlers: Handlers, end: () => unknown = () => {}): void {
  process.on('message', async ({ n, ask, with: args }: Question) => {
    const progress = (done: number) => tell({ n, progress: done })
    try {
      const result = await handlers[ask]?.(args as never, progress)
      tell({ n, answer: result ?? null })
    } catch (error) {
      tell({ n, error: (error as Error).message })
    }
  })
  process.once('disconnect', async () => {
    await end()
    process.exit()
  })
  // Ctrl-C reaches the whole group: the parent decides when to end.
  process.on('SIGINT', () => {})
}
