/** The address names who is here and which chat is open, so that a reload, a bookmark and the back button work. */
export function address(): { readonly me: string; readonly chat: string | undefined } {
  const asked = new URLSearchParams(location.hash.slice(1))
  return { me: asked.get('me') ?? '', chat: asked.get('chat') || undefined }
}

export function go(me: string, chat?: string): void {
  location.hash = new URLSearchParams(chat === undefined ? { me } : { me, chat }).toString()
}
