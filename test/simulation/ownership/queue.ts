/** What is to happen, by time. */
type Event = { readonly due: number; readonly nth: number; readonly run: () => void }

export class Queue {
  now = 0
  #nth = 0
  #events: Event[] = []

  after(ms: number, run: () => void): void {
    const event = { due: this.now + ms, nth: this.#nth++, run }
    const at = this.#events.findIndex(({ due }) => due > event.due)
    if (at < 0) this.#events.push(event)
    else this.#events.splice(at, 0, event)
  }

  /** All that is due by then happens. */
  pass(ms: number): void {
    const end = this.now + ms
    while ((this.#events[0]?.due ?? Number.POSITIVE_INFINITY) <= end) {
      const event = this.#events.shift() as Event
      this.now = event.due
      event.run()
    }
    this.now = end
  }
}
