/** Tests that need more than npm installs are skipped without it, and the end of the run names what was missing and how to get it. */
import type { Reporter } from 'vitest/node'

declare module 'vitest' {
  interface TaskMeta {
    needs?: Need
  }
}

type Need = { readonly what: string; readonly how: string }

/**
 * Options of a test or a `describe` that needs something: `describe('…', needs('Chromium', existsSync(path), 'apt-get
 * install chromium'), () => …)`. `how` is what one types to get it. Where CI is set nothing is skipped: what is missing fails.
 */
export function needs(what: string, present: boolean, how: string): { skip: boolean; meta: { needs?: Need } } {
  if (present || process.env['CI']) return { skip: false, meta: {} }
  return { skip: true, meta: { needs: { what, how } } }
}

/** Prints, after everything else, what was skipped for want of something, and how to get it. */
export const namesSkips: Reporter = {
  onTestRunEnd(modules) {
    const skipped = new Map<string, string[]>()
    for (const module of modules) {
      for (const test of module.children.allTests('skipped')) {
        const { needs } = test.meta()
        if (!needs) continue
        const title = `Skipped: no ${needs.what} here. Get it with: ${needs.how}`
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
