/** The chat that is open: its messages by day, the newest in view. */
import { isGroup, type Line } from '../client/chats/index.ts'
import { timerOf } from '../client/index.ts'
import { byId, hueOf, icon, linked, make, tick } from './dom.ts'
import type { Gallery } from './gallery.ts'
import { changeWords } from './telling.ts'
import { clock, day, leftWords, lifetimeWords, refusalWords } from './words.ts'

/** Lines that are shown at a time; scrolling up shows more. */
export const page = 60
/** How far from its end, in pixels, a list still counts as being there. */
const nearEnd = 80

/** `earlier`: for older lines, when the person has scrolled to the first. `options`: what one may do about a line. `ticks`: who has it. */
type Asks = {
  readonly earlier: () => void
  readonly options: (line: Line) => void
  readonly ticks: (line: Line) => void
}

export class Talk {
  readonly #list = byId('messages')
  readonly #scroll = byId('scroll')
  readonly #down = byId('down')
  readonly #me: string
  readonly #gallery: Gallery
  readonly #asks: Asks
  #lines: Line[] = []
  #followed = true
  #missed = 0

  constructor(me: string, gallery: Gallery, asks: Asks) {
    this.#me = me
    this.#gallery = gallery
    this.#asks = asks
    // So that the keys scroll it in every browser.
    this.#scroll.tabIndex = 0
    this.#down.onclick = () => this.#toEnd(matchMedia('(prefers-reduced-motion)').matches ? 'instant' : 'smooth')
    this.#scroll.onscroll = () => {
      if (this.#scroll.scrollTop < nearEnd) this.#asks.earlier()
      if (this.#atEnd()) this.#missed = 0
      this.#showDown()
    }
    // The keyboard of a phone takes half of the view, and pictures grow when they are there: the newest message stays in view.
    const observer = new ResizeObserver(() => {
      if (this.#followed) this.#toEnd('instant')
    })
    for (const element of [this.#scroll, this.#list]) observer.observe(element)
    setInterval(countDown, 1_000)
  }

  get lines(): readonly Line[] {
    return this.#lines
  }

  /** Shows a chat from its last lines on; of these so many are unread. */
  show(lines: readonly Line[], unread: number): void {
    this.#lines = [...lines]
    this.#missed = 0
    // Who listens to the page hears what comes, not what is there already.
    this.#list.setAttribute('aria-live', 'off')
    this.#render(unread)
    this.#toEnd('instant')
    requestAnimationFrame(() => this.#list.setAttribute('aria-live', 'polite'))
  }

  /** Shows lines that are new, or what has become of those that are known. Older ones, of which there may be more, are left out. */
  put(lines: readonly Line[]): void {
    const first = this.#lines.length < page ? 0 : (this.#lines[0]?.order ?? 0)
    const last = this.#lines.at(-1)?.order ?? 0
    const fresh = lines.filter((line) => !this.#changed(line) && line.order >= first)
    const late = fresh.filter(({ order }) => order < last)
    if (late.length > 0) this.insert(late)
    for (const line of fresh) if (line.order >= last) this.#append(line)
  }

  /** What has become of a line; false where it is not shown. */
  #changed(line: Line): boolean {
    const at = this.#lines.findLastIndex(({ id }) => id === line.id)
    if (at === -1) return false
    this.#lines[at] = line
    const item = document.getElementById(line.id)
    // Only the tick changes: a video that plays goes on.
    item?.querySelector('.meta')?.replaceWith(this.#meta(line))
    item?.querySelector('.refusal')?.remove()
    item?.append(...refusal(line))
    return true
  }

  /** Puts lines among or before those that are shown, and leaves these where the person sees them. */
  insert(lines: readonly Line[]): void {
    const followed = this.#atEnd()
    const from = this.#scroll.scrollHeight - this.#scroll.scrollTop
    this.#lines = [...this.#lines, ...lines].sort((a, b) => a.order - b.order)
    this.#render(0)
    if (followed) this.#toEnd('instant')
    else this.#scroll.scrollTop = this.#scroll.scrollHeight - from
  }

  #append(line: Line): void {
    const follows = this.#atEnd() || line.mine
    this.#list.append(...this.#withDay(line, this.#lines.at(-1)))
    this.#lines.push(line)
    if (follows) return this.#toEnd('instant')
    this.#missed += 1
    this.#showDown()
  }

  /** Takes lines away that are gone. */
  drop(lines: readonly Line[]): void {
    const gone = new Set(lines.map(({ id }) => id))
    const left = this.#lines.filter(({ id }) => !gone.has(id))
    if (left.length === this.#lines.length) return
    for (const { id } of this.#lines) if (gone.has(id)) document.getElementById(id)?.remove()
    this.#lines = left
    for (const [index, line] of left.entries()) this.#rank(line, left[index - 1])
    for (const divider of this.#list.querySelectorAll('.divider:not(.change)'))
      if (divider.nextElementSibling?.matches('.divider:not(.change)') ?? true) divider.remove()
    this.#showDown()
  }

  /** A line may have become the first of its author's. */
  #rank(line: Line, before: Line | undefined): void {
    const item = document.getElementById(line.id)
    if (!item?.classList.contains('follows') || follows(line, before)) return
    item.classList.remove('follows')
    if (isGroup(line.chat) && !line.mine) item.prepend(author(line.from))
  }

  #render(unread: number): void {
    const nodes = this.#lines.flatMap((line, index) => {
      const node = this.#withDay(line, this.#lines[index - 1])
      const first = unread > 0 && index === this.#lines.length - unread
      const words = unread === 1 ? '1 unread message' : `${unread} unread messages`
      if (first) node.splice(-1, 0, make('li', 'divider unread', make('span', '', words)))
      return node
    })
    this.#list.replaceChildren(...nodes)
  }

  #atEnd(): boolean {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroll
    return scrollHeight - scrollTop - clientHeight < nearEnd
  }

  #toEnd(behavior: ScrollBehavior): void {
    this.#missed = 0
    this.#followed = true
    this.#scroll.scrollTo({ top: this.#scroll.scrollHeight, behavior })
    this.#showDown()
  }

  #showDown(): void {
    this.#followed = this.#atEnd()
    this.#down.hidden = this.#followed
    byId('missed').textContent = this.#missed > 0 ? String(this.#missed) : ''
  }

  #withDay(line: Line, before: Line | undefined): HTMLElement[] {
    const now = Date.now()
    const on = day(line.time, now)
    const item = this.#bubble(line, before)
    if (before && day(before.time, now) === on) return [item]
    return [make('li', 'divider', make('span', '', on)), item]
  }

  #bubble(line: Line, before: Line | undefined): HTMLElement {
    if (line.change) {
      const words = make('span', '', changeWords(line, this.#me))
      return identified(make('li', 'divider change', words, ...refusal(line)), line)
    }
    const who = make('span', 'hidden', line.mine ? 'You: ' : `${line.from}: `)
    const item = make('li', line.mine ? 'mine' : 'theirs', who)
    if (line.media) item.append(this.#gallery.element(line.media, line.text))
    if (line.text && !isFile(line)) item.append(make('span', 'text', ...linked(line.text)))
    item.append(this.#meta(line), ...refusal(line))
    if (follows(line, before)) item.classList.add('follows')
    else if (isGroup(line.chat) && !line.mine) item.prepend(author(line.from))
    return identified(item, line)
  }

  #meta(line: Line): HTMLElement {
    const more = make('button', 'more', icon('M6 9l6 6 6-6'))
    more.type = 'button'
    more.setAttribute('aria-label', 'What to do with this message')
    more.onclick = () => this.#asks.options(line)
    const element = make('span', 'meta', more, ...timer(line), make('time', '', clock(line.time)))
    if (!line.mine) return element
    if (!isGroup(line.chat)) element.append(' ', tick(line.state))
    else {
      const button = make('button', 'ticks', tick(line.state))
      button.type = 'button'
      button.title = 'Who has it'
      button.onclick = () => this.#asks.ticks(line)
      element.append(button)
    }
    return element
  }
}

const follows = (line: Line, before: Line | undefined): boolean =>
  before?.from === line.from && !before.change && line.time - before.time < 120_000

/** That a line vanishes, and once its time runs how soon. */
function timer({ lifetime, expires }: Line): HTMLElement[] {
  if (!timerOf(lifetime)) return []
  const left = make('span', 'left', expires === null ? '' : leftWords(expires - Date.now()))
  left.dataset['until'] = String(expires ?? '')
  const element = make(
    'span',
    'timer',
    icon('M8 5v3.500l2 1.200M6.500 1.500h3M8 3a5.500 5.500 0 1 0 0 11 5.500 5.500 0 0 0 0-11', 16),
    left,
  )
  element.title = `In this chat ${lifetimeWords(lifetime)}`
  return [element]
}

function countDown(): void {
  for (const left of document.querySelectorAll<HTMLElement>('.left[data-until]')) {
    const until = Number(left.dataset['until'])
    if (until > 0) left.textContent = leftWords(until - Date.now())
  }
}

function identified(item: HTMLElement, { id }: Line): HTMLElement {
  item.id = id
  return item
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

/** Its text is the name of the file, and stands there already. */
const isFile = ({ media }: Line): boolean => media !== null && !/^(image|video|audio)\//.test(media.type)
