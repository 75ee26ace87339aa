/**
 * The chat that is open. The document has only the lines near the view: of ten thousand messages a phone shows a dozen. What comes
 * is drawn once a frame, with one fragment and one scroll, however much it is.
 */
import type { Line } from '../client/chats/index.ts'
import { type Acts, Bubbles, countDown, type Shown } from './bubble.ts'
import { byId, make } from './dom.ts'
import type { Gallery } from './gallery.ts'
import { gathered } from './gathered.ts'
import { Reel } from './reel.ts'
import { gapWords } from './words.ts'

/** How far from its end, in pixels, a list still counts as being there; and how near to an edge of what is drawn more is. */
const nearEnd = 80
const nearEdge = 900
/** How far from the view a line is that need not be drawn: so far that no edge is near then. */
const farAway = 2_500

/** `earlier`: for older lines, when the first is near the view; again until there are none. `seen`: this line, and those before it, were on the screen. */
type Asks = Acts & { readonly earlier: () => void; readonly seen: (line: Line) => void }

export class Talk {
  readonly #list = byId('messages')
  readonly #scroll = byId('scroll')
  readonly #down = byId('down')
  readonly #asks: Asks
  readonly #bubbles: Bubbles
  readonly #reel = new Reel()
  readonly #shown = new Map<string, Shown>()
  readonly #divider = make('li', 'divider unread', make('span', ''))
  /** What this browser may lack, where its own time begins. */
  readonly #gap = make('li', 'divider', make('span', ''))
  readonly #began: number
  /** Before which line the divider stands. */
  #firstUnread: string | undefined
  /** The newest message is in view, and stays so. */
  #follows = true
  /** Where the view was: only who scrolls back leaves the end, not what grows there. */
  #top = 0
  #drawing = 0

  /** `began`: since when this browser keeps messages. */
  constructor(me: string, gallery: Gallery, began: number, asks: Asks) {
    this.#asks = asks
    this.#began = began
    this.#gap.firstElementChild?.append(gapWords(began))
    this.#bubbles = new Bubbles(me, gallery, asks)
    // So that the keys scroll it in every browser.
    this.#scroll.tabIndex = 0
    this.#down.onclick = () => this.toEnd()
    this.#scroll.onscroll = () => this.#scrolled()
    // The keyboard of a phone takes half of the view, and pictures grow when they are there: the newest message stays in view.
    const observer = new ResizeObserver(() => {
      if (this.#follows) this.#scrollToEnd()
    })
    for (const element of [this.#scroll, this.#list, byId('pending')]) observer.observe(element)
    document.addEventListener('visibilitychange', () => this.#look())
    setInterval(countDown, 1_000)
  }

  get lines(): readonly Line[] {
    return this.#reel.lines
  }

  /** Shows a chat: from its end, or from the first of so many unread messages. */
  show(lines: readonly Line[], firstUnread: Line | undefined, unread: number): void {
    this.#reel.start(lines, firstUnread)
    this.#follows = firstUnread === undefined
    this.#firstUnread = firstUnread?.id
    this.#divider.firstElementChild?.replaceChildren(unread === 1 ? '1 unread message' : `${unread} unread messages`)
    this.#shown.clear()
    this.#list.replaceChildren()
    byId('heard').textContent = ''
    this.#draw()
    if (firstUnread) this.#scroll.scrollTop = this.#divider.offsetTop - 60
    this.#scrolled()
  }

  /** Takes lines that are new, or what has become of those that are known. */
  put(lines: readonly Line[]): void {
    const fresh = this.#reel.put(lines)
    for (const line of lines) {
      const shown = this.#shown.get(line.id)
      if (shown?.note) this.#anew(line)
      else if (shown) this.#bubbles.update(shown, line)
    }
    if (fresh.length === 0) return
    if (fresh.some(({ mine, state }) => mine && state === 'queued')) {
      // Who answers has read what is there.
      this.#firstUnread = undefined
      this.#follows = true
    }
    if (this.#follows) this.#reel.toEnd()
    const heard = fresh.findLast(({ mine, change }) => !mine && !change)
    // Who listens to the page hears what comes, not what was there already.
    if (heard && this.#follows) byId('heard').textContent = this.#bubbles.heardWords(heard)
    this.#drawSoon()
  }

  /** Asks for older lines, where the first is near the view. */
  fill(): void {
    if (this.#scroll.scrollTop < nearEdge && this.#reel.isAtStart) this.#asks.earlier()
  }

  /** Takes lines away that are gone. */
  drop(lines: readonly Line[]): void {
    if (this.#reel.drop(lines)) this.#drawSoon()
  }

  /** So many messages below the view are unread. */
  unread(count: number): void {
    byId('missed').textContent = count > 0 && !this.#follows ? String(count) : ''
  }

  /** Shows a line, which is there, in the middle of the view. */
  toLine(id: string): void {
    const line = this.#reel.lines.find((line) => line.id === id)
    if (!line) return
    this.#follows = false
    this.#reel.around(line)
    this.#draw()
    const item = this.#shown.get(id)?.item
    item?.scrollIntoView({ block: 'center' })
    item?.classList.add('found')
    setTimeout(() => item?.classList.remove('found'), 2_000)
    this.#scrolled()
  }

  toEnd(): void {
    this.#follows = true
    this.#reel.toEnd()
    this.#draw()
  }

  /** A message that can be read by now stands where its place was kept. */
  #anew(line: Line): void {
    this.#shown.delete(line.id)
    this.#drawSoon()
    if (this.#follows && !line.note) byId('heard').textContent = this.#bubbles.heardWords(line)
  }

  #drawSoon(): void {
    if (this.#drawing !== 0) return
    this.#drawing = requestAnimationFrame(() => this.#draw())
  }

  #draw(): void {
    cancelAnimationFrame(this.#drawing)
    this.#drawing = 0
    const anchor = this.#follows ? undefined : this.#anchor()
    const was = anchor?.getBoundingClientRect().top ?? 0
    this.#arrange()
    if (this.#follows) this.#scrollToEnd()
    else if (anchor?.isConnected) this.#scroll.scrollTop += anchor.getBoundingClientRect().top - was
    if (this.#follows) {
      // A tall view has room for more.
      if (this.#scroll.scrollHeight < this.#scroll.clientHeight + nearEdge && this.#reel.up()) return this.#draw()
      this.fill()
      return this.#look()
    }
    this.#trim()
    this.#scrolled()
  }

  /** What is far from the view leaves the document, where that has many. */
  #trim(): void {
    if (!this.#reel.isLong) return
    const { scrollTop, clientHeight } = this.#scroll
    const items = this.#reel.window.map(({ id }) => this.#shown.get(id)?.item as HTMLElement)
    const above = items.findIndex((item) => item.offsetTop + item.offsetHeight > scrollTop - farAway)
    const last = items.findLastIndex((item) => item.offsetTop < scrollTop + clientHeight + farAway)
    const below = items.length - 1 - last
    if (above + below === 0) return
    const anchor = items[above + 1]
    const was = anchor?.getBoundingClientRect().top ?? 0
    this.#reel.trim(above, below)
    this.#arrange()
    this.#scroll.scrollTop += (anchor?.getBoundingClientRect().top ?? 0) - was
  }

  /** Makes the document have what the reel has, in its order. */
  #arrange(): void {
    const wanted = this.#reel.window
    const ids = new Set(wanted.map(({ id }) => id))
    for (const id of this.#shown.keys()) if (!ids.has(id)) this.#shown.delete(id)
    const now = Date.now()
    const counts = gathered(this.#reel.lines)
    let before = this.#reel.before
    const nodes: Element[] = []
    for (const line of wanted) {
      const shown = this.#shown.get(line.id) ?? this.#bubbles.make(line)
      this.#shown.set(line.id, shown)
      this.#bubbles.place(shown, line, before, now)
      this.#bubbles.gather(shown, line, counts.get(line.id) ?? 1)
      if (before && this.#lacks(before) && !this.#lacks(line)) nodes.push(this.#gap)
      before = line
      if (shown.day) nodes.push(shown.day)
      if (line.id === this.#firstUnread) nodes.push(this.#divider)
      nodes.push(shown.item)
    }
    if (before && this.#lacks(before) && this.#reel.isAtEnd) nodes.push(this.#gap)
    become(this.#list, nodes)
  }

  /** Whether what this person wrote at the time of a line may be on another device only. */
  #lacks({ time, lifetime }: Line): boolean {
    return time < this.#began && lifetime !== 'permanent'
  }

  /** The first line that is in view: it stays where it is, whatever comes or goes before it. */
  #anchor(): Element | undefined {
    const top = this.#scroll.scrollTop
    return [...this.#list.children].find(
      (item) => item instanceof HTMLElement && item.offsetTop + item.offsetHeight > top,
    )
  }

  #scrolled(): void {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroll
    const below = scrollHeight - scrollTop - clientHeight
    const stays = this.#follows && scrollTop >= this.#top
    this.#top = scrollTop
    this.#follows = (below < nearEnd || stays) && this.#reel.isAtEnd
    this.#down.hidden = this.#follows
    if ((scrollTop < nearEdge && this.#reel.up()) || (below < nearEdge && this.#reel.down())) return this.#draw()
    this.fill()
    this.#look()
  }

  #scrollToEnd(): void {
    this.#scroll.scrollTop = this.#scroll.scrollHeight
    this.#top = this.#scroll.scrollTop
    this.#down.hidden = true
  }

  /** What is on the screen is read. */
  #look(): void {
    if (document.hidden) return
    const end = this.#scroll.scrollTop + this.#scroll.clientHeight
    const seen = this.#reel.window.findLast(({ id, counts }) => {
      const item = this.#shown.get(id)?.item
      return counts !== null && item !== undefined && (this.#follows || item.offsetTop + 24 < end)
    })
    if (seen) this.#asks.seen(seen)
  }
}

/** Gives an element these children. Those that stay are not touched: a video that plays goes on. What is new beside each other is one fragment. */
function become(parent: Element, nodes: readonly Element[]): void {
  const wanted = new Set(nodes)
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove()
  let next = parent.firstElementChild
  let fragment = document.createDocumentFragment()
  for (const node of nodes) {
    if (node !== next) {
      fragment.append(node)
      continue
    }
    parent.insertBefore(fragment, next)
    fragment = document.createDocumentFragment()
    next = next.nextElementSibling
  }
  parent.insertBefore(fragment, next)
}
