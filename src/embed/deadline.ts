/** What is asked of the program that embeds the node: it has a time to answer, and what goes wrong there is told to whoever runs it. */
import { Asks, type Runtime } from '../runtime/index.ts'
import type { Fault, OnFault } from './faults.ts'

/** Milliseconds that a hook may take. */
export const answerMs = 10_000
/** The error of what is late. */
export const late = new Error(`it did not answer within ${answerMs / 1000} s`)

type Outcome = { readonly value: unknown } | { readonly error: unknown }
type Ask = <Args extends readonly unknown[], Answer>(
  where: Fault['where'],
  ask: (...args: Args) => Answer | Promise<Answer>,
) => (...args: Args) => Answer | Promise<Answer>

/** `waiting`: hooks that have not answered yet. */
type Asked = { readonly ask: Ask; readonly waiting: () => number }

/** Hooks that are asked through what this answers throw what they throw, or `late`; both are told. */
export function inTime({ wheel }: Runtime, onFault: OnFault): Asked {
  const asks = new Asks<Outcome>(wheel, answerMs, { error: late })
  const wait = (answer: PromiseLike<unknown>) =>
    new Promise<Outcome>((resolve) => {
      const ticket = asks.ask(resolve)
      answer.then(
        (value) => asks.answer(ticket, { value }),
        (error) => asks.answer(ticket, { error }),
      )
    })
  const askInTime: Ask = (where, ask) => {
    const fail = (error: unknown): never => {
      onFault({ where, error })
      throw error
    }
    return (...args) => {
      const answer = attempt(() => ask(...args), fail)
      // Most answer at once, and need no time.
      if (!isPromise(answer)) return answer
      return wait(answer).then((outcome) =>
        'error' in outcome ? fail(outcome.error) : (outcome.value as Awaited<typeof answer>),
      )
    }
  }
  return { ask: askInTime, waiting: () => asks.size }
}

const isPromise = (answer: unknown): answer is PromiseLike<unknown> =>
  typeof (answer as PromiseLike<unknown> | undefined)?.then === 'function'

function attempt<Answer>(ask: () => Answer, fail: (error: unknown) => never): Answer {
  try {
    return ask()
  } catch (error) {
    return fail(error)
  }
}
