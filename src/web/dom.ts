/** Small pieces of the document. Text goes in as text: nothing that a person writes is ever read as HTML. */
import type { MessageState } from '../client/index.ts'
import { stateWords } from './words.ts'

export const byId = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T

export function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  className: string,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name)
  if (className) element.className = className
  element.append(...children)
  return element
}

/** Says at an input what is wrong with what was typed, until it is changed. */
export function refuse(input: HTMLInputElement, words: string): void {
  input.setCustomValidity(words)
  input.reportValidity()
  input.addEventListener('input', () => input.setCustomValidity(''), { once: true })
}

const shapes: Record<string, string> = {
  queued: 'M8 3.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9M8 5.5V8l1.8 1.2',
  sent: 'M3.5 8.5l3 3 6-7',
  delivered: 'M1 8.5l3 3 6-7M7 10.6l1 .9 6-7',
  refused: 'M8 4v4.5M8 11v.6',
}

/** A tick, with its name for who cannot see it. */
export function tick(state: MessageState): HTMLElement {
  const span = make('span', `tick ${state}`)
  span.setAttribute('role', 'img')
  span.setAttribute('aria-label', stateWords[state])
  span.title = stateWords[state]
  span.append(icon(shapes[state === 'read' ? 'delivered' : state] as string, 16))
  return span
}

const icons = new Map<string, SVGElement>()

/** A drawing that says nothing to who cannot see it: what it stands in has a name. To copy one is three times as fast as to make it. */
export function icon(shape: string, size = 24): SVGElement {
  const known = icons.get(shape) ?? drawn(shape, size)
  icons.set(shape, known)
  return known.cloneNode(true) as SVGElement
}

function drawn(shape: string, size: number): SVGElement {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
  svg.setAttribute('viewBox', `0 0 ${size} ${size}`)
  svg.setAttribute('aria-hidden', 'true')
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path')
  path.setAttribute('d', shape)
  svg.append(path)
  return svg
}

/** A round sign for a person: the first letter on a colour that their name gives. */
export function avatar(name: string): HTMLElement {
  const sign = make('span', 'avatar', [...name][0]?.toUpperCase() ?? '?')
  sign.setAttribute('aria-hidden', 'true')
  sign.style.setProperty('--hue', String(hueOf(name)))
  return sign
}

/** A colour for a name, in degrees. */
export function hueOf(name: string): number {
  let hue = 7
  for (const char of name) hue = (hue * 31 + (char.codePointAt(0) ?? 0)) % 360
  return hue
}

const address = /https?:\/\/[^\s<>"]*[^\s<>".,;:!?)\]}']/g

/** Text with its web addresses as links. */
export function linked(text: string): (Node | string)[] {
  const parts: (Node | string)[] = []
  let from = 0
  for (const { 0: url, index } of text.matchAll(address)) {
    const link = make('a', '', url)
    Object.assign(link, { href: url, target: '_blank', rel: 'noopener noreferrer' })
    parts.push(text.slice(from, index), link)
    from = index + url.length
  }
  return [...parts, text.slice(from)]
}
