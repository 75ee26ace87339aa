import { make } from '../dom.ts'

/** Names and values. */
export function list(at: HTMLElement, rows: readonly (readonly string[])[]): void {
  at.replaceChildren(
    ...rows.map(([name = '', value = '']) => make('div', '', make('dt', '', name), make('dd', '', value))),
  )
}
