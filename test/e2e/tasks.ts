/** What a page's main thread does, task by task, as Chromium traces it. */
import type { CDPSession } from 'playwright-core'

/** `cpuMs`: of the thread itself, so that what else the machine does is not in it. */
export type Task = { readonly cpuMs: number; readonly layouts: number }

type Event = {
  readonly name: string
  readonly pid: number
  readonly tid: number
  readonly ts: number
  readonly dur?: number
  readonly tdur?: number
}

const traceConfig = {
  includedCategories: ['devtools.timeline', 'disabled-by-default-devtools.timeline'],
  excludedCategories: ['*'],
}

/** The tasks of the thread that lays out, while something is done. */
export async function tasksWhile(session: CDPSession, work: () => Promise<unknown>): Promise<Task[]> {
  const events: Event[] = []
  const collect = ({ value }: { value: object[] }) => void events.push(...(value as Event[]))
  session.on('Tracing.dataCollected', collect)
  await session.send('Tracing.start', { transferMode: 'ReportEvents', traceConfig })
  await work()
  const complete = new Promise((resolve) => session.once('Tracing.tracingComplete', resolve))
  await session.send('Tracing.end')
  await complete
  session.off('Tracing.dataCollected', collect)
  const layouts = events.filter(({ name }) => name === 'Layout')
  const [first] = layouts
  const starts = layouts.map(({ ts }) => ts)
  return events
    .filter(({ name, pid, tid, tdur }) => name === 'RunTask' && tdur && pid === first?.pid && tid === first.tid)
    .map(({ ts, dur = 0, tdur = 0 }) => ({
      cpuMs: tdur / 1_000,
      layouts: starts.filter((start) => start >= ts && start < ts + dur).length,
    }))
}
