/** Lines as words: for a list, and the changes of a chat as sentences. */
import { isGroup, type Line, type Note } from '../client/chats/index.ts'
import { lifetimeWords, names } from './words.ts'

/** As much of a text as a list has room for: never half of what a reader sees as one character. */
export function shortened(text: string): string {
  const most = 600
  const words = text.slice(0, most).replace(/\s+/g, ' ').trim()
  const seen = [...new Intl.Segmenter().segment(words)].map(({ segment }) => segment)
  // The last may be half of one.
  const shown = text.length > most ? seen.slice(0, -1) : seen
  return shown.length > 200 || shown.length < seen.length ? `${shown.slice(0, 200).join('')}…` : words
}

/** What is shown or played where it stands; anything else is a file with a name. */
export const isShown = (type: string): boolean => /^(image|video|audio)\//.test(type)

/** The text of a message that carries a file: its first line is the name, and what was written with it follows. */
export const fileText = (name: string, caption: string): string =>
  [name.replace(/\s+/g, ' '), caption].filter(Boolean).join('\n')

/** What a message carries by name, if it has one, and what was written with it. */
export function partsOf({ text, media }: Pick<Line, 'text' | 'media'>): {
  readonly name: string
  readonly words: string
} {
  if (!media || isShown(media.type)) return { name: '', words: text }
  const [name = '', ...words] = text.split('\n')
  return { name, words: words.join('\n') }
}

/** A line in a few words, for a list. */
export function summary(line: Line, me: string): string {
  const { media, chat, from, mine } = line
  if (line.change) return changeWords(line, me)
  if (line.note) return noteWords(line.note, line, me)
  const parts = partsOf(line)
  const text = [parts.name, parts.words].filter(Boolean).join(' · ')
  const words = (isGroup(chat) && !mine ? `${from}: ` : '') + shortened(text)
  if (!media) return words
  const kinds = { image: 'Photo', video: 'Video', audio: 'Recording' }
  const kind = kinds[media.type.split('/')[0] as keyof typeof kinds] ?? 'File'
  return words ? `${kind}: ${words}` : kind
}

/** What this browser has to say in a chat. */
export function noteWords(note: Note, { from, mine }: Pick<Line, 'from' | 'mine'>, me: string): string {
  const who = mine || from === me ? 'you' : from
  if (note.is === 'unread') return unreadWords(note, who)
  if (note.is === 'group') return groupNoteWords(note)
  switch (note.why) {
    case 'device':
      return `The devices of ${who} have changed`
    case 'fork':
      return `The server shows two versions of the devices of ${who}. Nothing is sent to ${who} any more`
    case 'differs':
      return `Somebody was shown another version of the devices of ${who}, or says so`
    case 'withheld':
      return `The server does not show all devices of ${who}. What you write waits`
    case 'reset':
    case 'rotation':
      return `${who}’s security number has changed. Press the lock above to compare it`
  }
}

function groupNoteWords({ why, users }: Extract<Note, { is: 'group' }>): string {
  if (why === 'unsealed')
    return `The server lets ${names(users)} write here, and no admin has added them. They can read nothing`
  if (why === 'refused') return `${names(users)}, who is no admin, has tried to change this group. Nothing has changed`
  return `For ${names(users)} other people are in this group than for you, or they say so`
}

function unreadWords({ why, retrying }: Extract<Note, { is: 'unread' }>, who: string): string {
  if (retrying) return 'Waiting for this message. It was asked for again'
  if (why === 'plaintext') return `A message that was not encrypted is not shown: it may not be from ${who}`
  if (why === 'not_kept' || why === 'no_part')
    return 'This message cannot be read in this browser: it was sent before it was linked, or is not kept any more'
  if (why === 'other_version' || why === 'other_suite') return 'Load the page again to read this message'
  return who === 'you' ? 'This message cannot be read here' : `This message cannot be read. Ask ${who} to send it again`
}

/** A change of a chat as a sentence. */
export function changeWords({ change, from, text }: Line, me: string): string {
  const [who, whom] = [from === me ? 'You' : from, text === me ? 'you' : text]
  switch (change) {
    case 'create':
      return `${who} created the group “${text}”`
    case 'rename':
      return `${who} renamed the group to “${text}”`
    case 'add':
      return additionWords(who, text, me)
    case 'invite':
      return `${who} invited you to the group “${text}”`
    case 'join':
      return `${who} joined`
    case 'remove':
      return `${who} removed ${whom}`
    case 'leave':
      return `${who} left`
    case 'promote':
      return `${who} made ${whom} an admin`
    case 'demote':
      return `${who} dismissed ${whom} as admin`
    case 'history':
      return `${who} let new members see ${text} earlier messages`
    case 'lifetime':
      return `${who} changed how long messages are kept: ${lifetimeWords(text)}`
    case null:
      return text
  }
}

/** Who was added; after an empty line, who is asked first. */
function additionWords(who: string, text: string, me: string): string {
  const [added = '', invited = ''] = text.startsWith('\n') ? ['', text.slice(1)] : text.split('\n\n')
  const people = (users: string) => names(users.split('\n').map((user) => (user === me ? 'you' : user)))
  const words = [added && `added ${people(added)}`, invited && `invited ${people(invited)}`]
  return `${who} ${words.filter(Boolean).join(' and ')}`
}
