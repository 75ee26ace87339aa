/** Names a session of this node; 0 is none. Never used again for another session. */
export type SessionRef = number
