/** What a machine asks for in a turn of one message. */
export function asked<State, Message, Given extends { readonly effects: unknown[] }>(
  receive: (state: State, message: Message, turn: Given) => void,
  state: State,
  message: Message,
  given: Omit<Given, 'effects'>,
): Given['effects'] {
  const effects: Given['effects'] = []
  receive(state, message, { ...given, effects } as Given)
  return effects
}
