/** Groups: made, looked at and changed in dialogs; who has a message, and who has read it. */
import { type Chat, type Line, titleOf } from '../client/chats/index.ts'
import type { Change, Client, Group } from '../client/index.ts'
import { isUserId } from '../protocol/ids.ts'
import { byId, make, refuse } from './dom.ts'
import { deleteChat, lifetimeChoice } from './lasting.ts'
import type { Sealing } from './sealing.ts'
import { ask, button, closeSheet, closesBeside, openSheet, openSheetOf, people, person, tried } from './sheet.ts'
import { lifetimeWords } from './words.ts'

/** As the inputs for a name have it. */
const longestName = 128

/** `nothing`: members for whom nothing is encrypted there. */
type Known = Group & { readonly nothing: readonly string[] }
type Shown = Pick<Chat, 'id' | 'name'> & Partial<Pick<Chat, 'last'>>

export class Groups {
  readonly #me: string
  readonly #client: Client
  readonly #sealing: Sealing | undefined
  readonly #made: (group: string) => void
  readonly #choices: (chat: string) => HTMLElement[]
  readonly #delete: (chat: string) => void

  /** `made` is told of a group that this person has just made; `choices`: what else one may do about a chat; `remove` deletes it. */
  constructor(
    me: string,
    client: Client,
    sealing: Sealing | undefined,
    made: (group: string) => void,
    choices: (chat: string) => HTMLElement[],
    remove: (chat: string) => void,
  ) {
    this.#me = me
    this.#sealing = sealing
    this.#made = made
    this.#choices = choices
    this.#delete = remove
    this.#client = client
    const dialog = byId<HTMLDialogElement>('new-group')
    byId('make-group').onclick = () => dialog.showModal()
    byId('new-group-close').onclick = () => dialog.close()
    closesBeside(dialog)
    byId<HTMLFormElement>('new-group-form').onsubmit = (event) => {
      const [name, members] = [byId<HTMLInputElement>('group-name'), byId<HTMLInputElement>('group-members')]
      event.preventDefault()
      const others = namesIn(members)?.filter((member) => member !== me)
      if (!others) return
      dialog.close()
      void this.#make(name.value.trim(), others)
      for (const input of [name, members]) input.value = ''
    }
  }

  /** Asks first where the person may take it for encrypted, and it would not be. */
  async #make(name: string, others: readonly string[]): Promise<void> {
    const create = () => tried(this.#client.createGroup(name, others).then(this.#made))
    const words = await tried(this.#sealing?.notSealedWords(others) ?? Promise.resolve(''))
    if (words === '') await create()
    if (words) ask(`Make “${name}” without encryption?`, words, 'Create group', create)
  }

  /** Shows a group, and to its admins how to change it. */
  async show(of: Shown): Promise<void> {
    const [id, title] = [of.id, titleOf(of)]
    const asked = this.#client.group(id).then(
      async (group) => ({ ...group, nothing: (await this.#sealing?.givenNothing(id).catch(() => [])) ?? [] }),
      ({ code = '' }: { code?: string }) => code,
    )
    const group = await openSheetOf(title, asked)
    if (group === undefined) return
    const deletion = deleteChat(title, 'The other members keep their copies.', () => this.#delete(id))
    const choices = this.#choices(id)
    if (typeof group === 'string') return openSheet(title, ...this.#notIn(of, group), ...choices, deletion)
    const admin = group.admins.includes(this.#me)
    const items = group.members.map((member) => this.#member(group, member, admin))
    const leave = button('Leave group', () =>
      ask(`Leave ${group.name}?`, 'You will get no more messages from this group.', 'Leave', () =>
        this.#change(group, 'leave', ''),
      ),
    )
    leave.classList.add('danger')
    const forms = admin
      ? [
          this.#form(group, 'add', 'Add people', '', (input) => namesIn(input)?.join('\n')),
          this.#form(group, 'rename', 'Rename', group.name),
        ]
      : []
    const stays = admin
      ? lifetimeChoice(this.#client, id, group.lifetime)
      : make('p', 'words', `In this group, ${lifetimeWords(group.lifetime)}.`)
    openSheet(group.name, make('ul', 'people', ...items), ...forms, stays, ...choices, leave, deletion)
  }

  /** Who has a message of this person, and who has read it. */
  async ticks({ chat, at }: Line): Promise<void> {
    const ticks = await openSheetOf('Message info', this.#client.ticks({ to: chat, at }))
    if (!ticks) return
    const waiting = ticks.delivered.filter((member) => !ticks.read.includes(member))
    const nobody = ticks.delivered.length === 0 ? [make('p', 'words', 'Not delivered to anybody yet.')] : []
    openSheet('Message info', ...nobody, ...people('Read by', ticks.read), ...people('Delivered to', waiting))
  }

  #member(group: Known, member: string, admin: boolean): HTMLElement {
    const isAdmin = group.admins.includes(member)
    const roles = [isAdmin ? 'admin' : '', group.nothing.includes(member) ? 'cannot read' : '']
    const role = make('span', 'role', roles.filter(Boolean).join(', '))
    const item = person(member === this.#me ? `${member} (you)` : member, member, role)
    if (!admin || member === this.#me) return item
    const role2 = isAdmin ? 'demote' : 'promote'
    item.append(
      button(isAdmin ? 'Dismiss as admin' : 'Make admin', () => this.#change(group, role2, member)),
      button('Remove', () =>
        ask(`Remove ${member}?`, `${member} will no longer be in ${group.name}.`, 'Remove', () =>
          this.#change(group, 'remove', member),
        ),
      ),
    )
    return item
  }

  /** `read`: what is sent of what was typed; nothing where it is empty. */
  #form(
    group: Group,
    change: Change,
    label: string,
    value: string,
    read = (input: HTMLInputElement): string | undefined => input.value.trim(),
  ): HTMLFormElement {
    const input = make('input', '')
    Object.assign(input, { value, placeholder: label, maxLength: 100, autocomplete: 'off' })
    input.setAttribute('aria-label', label)
    const submit = make('button', 'primary', label)
    submit.type = 'submit'
    const form = make('form', 'change', input, submit)
    form.onsubmit = (event) => {
      event.preventDefault()
      const typed = read(input)
      if (typed) void this.#change(group, change, typed)
    }
    return form
  }

  /** What is to be said of a group that cannot be looked at. Who is invited sees nothing of it but that. */
  #notIn(of: Shown, code: string): HTMLElement[] {
    if (code !== 'not_a_member') return [make('p', 'words', 'This group cannot be shown right now.')]
    if (of.last?.change !== 'invite') return [make('p', 'words', 'You are no longer in this group.')]
    const join = button('Join the group', () => this.#change(of, 'join', ''))
    return [make('p', 'words', `${of.last.from} invited you to this group.`), join]
  }

  async #change(chat: Shown, change: Change, value: string): Promise<void> {
    const sent = await tried(this.#client.send(chat.id, value, { change }))
    if (change === 'leave') closeSheet()
    else if (sent) await this.show(chat)
  }
}

/** The names in what was typed, with commas between them, since a name may hold spaces; undefined where one cannot be, which is said there. */
function namesIn(input: HTMLInputElement): string[] | undefined {
  const names = [
    ...new Set(
      input.value
        .split(/[,;\n]/)
        .map((name) => name.trim())
        .filter(Boolean),
    ),
  ]
  const wrong = names.find((name) => !isUserId(name, longestName))
  if (wrong === undefined) return names
  refuse(input, `“${wrong}” is not a valid name.`)
  return undefined
}
