import { onTestFinished } from 'vitest'

/** Answers which lap of the event loop it is: what is done in one of them holds up everybody else. */
export function countLaps(): () => number {
  let [lap, over] = [0, false]
  const next = () => {
    lap += 1
    if (!over) setImmediate(next)
  }
  setImmediate(next)
  onTestFinished(() => {
    over = true
  })
  return () => lap
}
