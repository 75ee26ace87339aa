/** A sheet over the page, and what stands in it. */
import { avatar, byId, icon, make } from './dom.ts'
import { notice } from './notice.ts'

/** Shows a sheet, in place of the one that is open. */
export function openSheet(title: string, ...content: HTMLElement[]): void {
  const dialog = sheet()
  const close = button('', closeSheet)
  close.className = 'icon close'
  close.setAttribute('aria-label', 'Close')
  close.append(icon('M6 6l12 12M18 6L6 18'))
  dialog.replaceChildren(make('header', '', make('h2', '', title), close), ...content)
  if (!dialog.open) dialog.showModal()
}

/**
 * Shows a sheet at once where none is open, and answers what was asked for it. Undefined: there is nothing to show, since that
 * failed, or the person has closed the sheet meanwhile, or opened another.
 */
export async function openSheetOf<T>(title: string, asked: Promise<T>): Promise<T | undefined> {
  const dialog = sheet()
  if (!dialog.open) openSheet(title, make('p', 'words', 'One moment…'))
  const shown = dialog.firstElementChild
  const answer = await tried(asked)
  if (!dialog.open || dialog.firstElementChild !== shown) return undefined
  if (answer === undefined) closeSheet()
  return answer
}

/** A question, which a press answers. */
export function ask(title: string, text: string, yes: string, act: () => void): void {
  const agree = button(yes, () => {
    closeSheet()
    act()
  })
  agree.className = 'primary danger'
  openSheet(title, make('p', 'words', text), make('div', 'answers', button('Cancel', closeSheet), agree))
  agree.focus()
}

export const closeSheet = (): void => sheet().close()

const sheet = (): HTMLDialogElement => byId<HTMLDialogElement>('info')

/** A click beside a sheet closes it. */
export function closesBeside(dialog: HTMLDialogElement): void {
  dialog.onclick = ({ target }) => {
    if (target === dialog) dialog.close()
  }
}

export function people(
  title: string,
  names: readonly string[],
  ...acts: ((name: string) => HTMLElement)[]
): HTMLElement[] {
  if (names.length === 0) return []
  const items = names.map((name) => person(name, name, ...acts.map((act) => act(name))))
  return [make('h3', '', title), make('ul', 'people', ...items)]
}

export const person = (text: string, name: string, ...rest: HTMLElement[]): HTMLElement =>
  make('li', '', avatar(name), make('span', 'name', text), ...rest)

export function button(label: string, act: () => unknown): HTMLButtonElement {
  const made = make('button', 'quiet', label)
  made.type = 'button'
  made.onclick = () => void act()
  return made
}

/** Says what went wrong, where something did. */
export async function tried<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    notice((error as Error).message)
    return undefined
  }
}
