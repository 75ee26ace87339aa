/** Tests that need more than npm installs are skipped without it, and the end of the run names what was missing and how to get it. */
import type { Reporter } from 'vitest/node'

declare module 'vitest' {
  interface TaskMeta {
    needs?: Need
  }
}

type Need = { readonly why: string; readonly how: string }
type Options = { skip?: true; meta: { needs?: Need } }

/**
 * Options of a test or a `describe` that needs something: `describe('…', needs('Chromium', existsSync(path), 'apt-get
 * install chromium'), () => …)`. `how` is what one types to get it. Where CI is set nothing is skipped: what is missing fails.
 */
export function needs(what: string, present: boolean, how: string): Options {
  return unless(present, `no ${what} here. Get it with`, how)
}

/** The same for what a run does not do by itself: `how` is what one types to have it done. */
export function onRequest(what: string, asked: boolean, how: string): Options {
  return unless(asked, `${what}. Run it with`, how)
}

function unless(ready: boolean, why: string, how: string): Options {
  // Not `skip: false`: in a `describe` with that Vitest runs also what `it.skip` and `it.runIf(false)` name.
  if (ready || process.env['CI']) return { meta: {} }
  return { skip: true, meta: { needs: { why, how } } }
}

/** Files from which a run is told to be a long one. */
const whole = 50
/** Of a whole run, without Cassandra, on two cores that do nothing else. */
const minutes = 12

/** Prints at the start what a whole run is, and after everything else what was skipped for want of something, and how to get it. */
export const namesSkips: Reporter = {
  onTestRunStart(files) {
    if (files.length < whole) return
    const cassandra = process.env['CI'] ? '' : '; those with Cassandra run by themselves: npm run test:cassandra'
    console.log(`Runs ${files.length} files of tests, which takes about ${minutes} minutes on two cores${cassandra}.`)
  },
  onTestRunEnd(modules) {
    const skipped = new Map<string, string[]>()
    for (const module of modules) {
      for (const test of module.children.allTests('skipped')) {
        const { needs } = test.meta()
        if (!needs) continue
        const title = `Skipped: ${needs.why}: ${needs.how}`
        skipped.set(title, [...(skipped.get(title) ?? []), `${module.relativeModuleId} > ${test.fullName}`])
      }
    }
    for (const [title, names] of skipped) console.log(`${title}\n${summary(names)}`)
  },
}

/** The first few by name, and how many more. */
const summary = (names: readonly string[]): string =>
  [...names.slice(0, 3), ...(names.length > 3 ? [`and ${names.length - 3} more`] : [])]
    .map((name) => `  ${name}`)
    .join('\n')
