import type { Result } from './main.ts'

export function report(result: Result): string {
  return JSON.stringify(result)
}
