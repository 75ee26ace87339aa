/**
 * The floor: what uWebSockets.js alone costs. It forwards each message of the first user of a group to the others, and what the last of
 * them answers to the first, and stores nothing: the least that any server must do to move messages and receipts.
 */
import { sockets, startRelay } from './relay.ts'

startRelay((from, groups, data) => {
  for (let member = 1; member < groups; member++) sockets[from + member]?.send(data, true)
})
