/** The way back to the form: the page begins anew, so that nothing of anybody is left on it. */
const key = 'said'

export function backToEntry(text: string, me: string): void {
  sessionStorage.setItem(key, JSON.stringify({ text, me }))
  history.replaceState(null, '', location.pathname)
  location.reload()
}

/** What is to be said about the last time, once. */
export function saidBefore(): { readonly text: string; readonly me: string } {
  const said = sessionStorage.getItem(key)
  sessionStorage.removeItem(key)
  return said === null ? { text: '', me: '' } : JSON.parse(said)
}
