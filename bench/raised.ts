/** Limits of the nodes that are measured: raised for few client addresses, and for users who write without a pause. */
export const raised = {
  connectionsPerAddress: 100_000,
  framesPerSecond: 1_000_000,
  sendsPerSecond: 1_000_000,
  sendsPerSecondToOne: 1_000_000,
  inboxEntries: 10_000_000,
}
