/** Small limits, so that a few messages meet them. */
export const limits = {
  devices: 5,
  windowEntries: 8,
  windowBytes: 1_000,
  inboxEntries: 1_000,
  appendsInFlight: 10,
  listed: 3,
  swallows: false,
  lifetime: 'default' as const,
  term: 1,
  life: 0,
  deviceAwayMs: 1e12,
  chats: 10,
  chatsMs: 1_000,
}
