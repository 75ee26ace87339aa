/** One line as it stands in the open chat, with its day where that begins. */
import { isGroup, type Line, type Note } from '../client/chats/index.ts'
import { timerOf } from '../client/index.ts'
import { hueOf, icon, linked, make, tick } from './dom.ts'
import type { Gallery } from './gallery.ts'
import { gatheredWords } from './gathered.ts'
import { changeWords, noteWords, partsOf } from './telling.ts'
import { clock, day, leftWords, lifetimeWords, refusalWords } from './words.ts'

/** `options`: what one may do about a line. `ticks`: who has it. */
export type Acts = { readonly options: (line: Line) => void; readonly ticks: (line: Line) => void }

/** What the document has of a line; `note`: of what this browser says in its place. */
export type Shown = { readonly item: HTMLElement; readonly note: Note | undefined; day: HTMLElement | undefined }

export class Bubbles {
  readonly #me: string
  readonly #gallery: Gallery
  readonly #acts: Acts

  constructor(me: string, gallery: Gallery, acts: Acts) {
    this.#me = me
    this.#gallery = gallery
    this.#acts = acts
  }

  make(line: Line): Shown {
    const item = line.change ? this.#change(line) : line.note ? this.#note(line, line.note) : this.#message(line)
    item.id = line.id
    return { item, note: line.note, day: undefined }
  }

  /** A line for who listens to the page. */
  heardWords(line: Line): string {
    return line.note ? noteWords(line.note, line, this.#me) : `${line.from}: ${line.text}`
  }

  /** What has become of a line. Only the tick changes: a video that plays goes on. */
  update({ item }: Shown, line: Line): void {
    const meta = item.querySelector('.meta')
    const focused = meta?.contains(document.activeElement)
    meta?.replaceWith(this.#meta(line))
    if (focused) item.querySelector<HTMLElement>('.more')?.focus()
    item.querySelector('.refusal')?.remove()
    item.append(...refusal(line))
  }

  /** Lines of one author follow each other closely, and a day begins with its name. */
  place(shown: Shown, line: Line, before: Line | undefined, now: number): void {
    const on = day(line.time, now)
    const begins = !before || day(before.time, now) !== on
    if (begins && shown.day?.textContent !== on) shown.day = make('li', 'divider', make('span', '', on))
    if (!begins) shown.day = undefined
    shown.item.classList.toggle('follows', !begins && follows(line, before))
  }

  /** `count`: for how many it stands; 0: another stands for it. */
  gather({ item, note }: Shown, line: Line, count: number): void {
    if (note?.is !== 'unread') return
    item.classList.toggle('gathered', count === 0)
    item.classList.toggle('several', count > 1)
    const [text, words] = [
      item.querySelector('.text'),
      count > 1 ? gatheredWords(count) : noteWords(note, line, this.#me),
    ]
    if (text && text.textContent !== words) text.textContent = words
  }

  #change(line: Line): HTMLElement {
    return make('li', 'divider change', make('span', '', changeWords(line, this.#me)), ...refusal(line))
  }

  /** In its place: a message that cannot be read looks like one, what concerns the chat does not. */
  #note(line: Line, note: Note): HTMLElement {
    const words = noteWords(note, line, this.#me)
    if (note.is !== 'unread') return make('li', 'divider change note warning', make('span', '', words))
    const side = line.mine ? 'mine' : 'theirs'
    const meta = make('span', 'meta', make('time', '', clock(line.time)))
    return make('li', `${side} note`, make('span', 'text', words), meta)
  }

  #message(line: Line): HTMLElement {
    const item = make(
      'li',
      line.mine ? 'mine' : 'theirs',
      make('span', 'hidden', line.mine ? 'You: ' : `${line.from}: `),
    )
    if (isGroup(line.chat) && !line.mine) item.append(author(line.from))
    const { name, words } = partsOf(line)
    if (line.media) item.append(this.#gallery.element(line.media, name || words))
    if (words) item.append(make('span', 'text', ...linked(words)))
    item.append(this.#meta(line), ...refusal(line))
    return item
  }

  #meta(line: Line): HTMLElement {
    const more = make('button', 'more', icon('M6 9l6 6 6-6'))
    more.type = 'button'
    more.setAttribute('aria-label', 'Message options')
    more.onclick = () => this.#acts.options(line)
    const element = make('span', 'meta', more, ...timer(line), make('time', '', clock(line.time)))
    if (!line.mine) return element
    if (!isGroup(line.chat) || !line.at) element.append(tick(line.state))
    else {
      const button = make('button', 'ticks', tick(line.state))
      button.type = 'button'
      button.title = 'Who has this message'
      button.onclick = () => this.#acts.ticks(line)
      element.append(button)
    }
    return element
  }
}

/** Counts down the times that are on the page. */
export function countDown(): void {
  for (const left of document.querySelectorAll<HTMLElement>('.left[data-until]')) {
    const until = Number(left.dataset['until'])
    if (until > 0) left.textContent = leftWords(until - Date.now())
  }
}

/** Whether a line stands close to the one before it. */
const follows = (line: Line, before: Line | undefined): boolean =>
  before?.from === line.from &&
  !before.change &&
  (!before.note || before.note.is === 'unread') &&
  line.time - before.time < 120_000

/** That a line vanishes, and once its time runs how soon. */
function timer({ lifetime, expires }: Line): HTMLElement[] {
  if (!timerOf(lifetime)) return []
  const left = make('span', 'left', expires === null ? '' : leftWords(expires - Date.now()))
  left.dataset['until'] = String(expires ?? '')
  const clock = 'M8 5v3.500l2 1.200M6.500 1.500h3M8 3a5.500 5.500 0 1 0 0 11 5.500 5.500 0 0 0 0-11'
  const element = make('span', 'timer', icon(clock, 16), left)
  element.title = `In this chat ${lifetimeWords(lifetime)}`
  return [element]
}

/** Who wrote it, in the colour of their sign. */
function author(name: string): HTMLElement {
  const element = make('span', 'author', name)
  element.setAttribute('aria-hidden', 'true')
  element.style.setProperty('--hue', String(hueOf(name)))
  return element
}

const refusal = ({ state, code }: Line): HTMLElement[] =>
  state === 'refused' ? [make('span', 'refusal', refusalWords(code))] : []
