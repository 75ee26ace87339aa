/** Chats by their ids. */

/** Whether a chat is a group: its id begins so, and no user's does. */
export const isGroup = (chat: string): boolean => chat.startsWith('#')
