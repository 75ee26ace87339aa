/** Asks the node that this page came from. */

/** Why it did not do what was asked. `status`: of HTTP; 0: it did not answer. */
export class Refusal extends Error {
  readonly status: number
  constructor(status: number, text: string) {
    super(text)
    this.status = status
  }
}

export class AskedNode {
  readonly #token: string

  /** '': it is asked without. */
  constructor(token: string) {
    this.#token = token
  }

  async metrics(): Promise<string> {
    return (await this.#ask('GET', '/metrics')).text()
  }

  /** Below `/admin/v1`. Undefined: nothing is known of that. */
  async ask<Answer>(method: 'GET' | 'PUT' | 'DELETE', path: string): Promise<Answer | undefined> {
    try {
      return await (await this.#ask(method, `/admin/v1${path}`)).json()
    } catch (error) {
      if (error instanceof Refusal && error.status === 404) return undefined
      throw error
    }
  }

  async #ask(method: string, path: string): Promise<Response> {
    const headers: Record<string, string> = this.#token ? { authorization: `Bearer ${this.#token}` } : {}
    const response = await fetch(path, { method, headers, cache: 'no-store' }).catch(() => {
      throw new Refusal(0, 'The node does not answer.')
    })
    if (response.ok) return response
    const text = await response.text()
    throw new Refusal(response.status, textOf(text))
  }
}

function textOf(answer: string): string {
  try {
    return JSON.parse(answer).text ?? answer
  } catch {
    return answer.trim()
  }
}
