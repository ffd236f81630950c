/** Fields of the set-up's forms, with what is wrong said above them and marked at each. What was typed is shown again, secrets never. */
import { html } from 'hono/html'
import type { Markup } from './page.ts'

export interface Field {
  name: string
  label: string
  hint?: string
  /** `secret` is never shown again; `tick` is a box. Default `text`. */
  kind?: 'text' | 'secret' | 'tick'
  required?: boolean
  /** For keyboards of small screens. */
  inputmode?: 'url' | 'text'
  most?: number
}

export interface Problem {
  /** The field, or null where it is about all of it. */
  field: string | null
  text: string
}

export interface Filled {
  values: ReadonlyMap<string, string>
  problems: readonly Problem[]
}

export const EMPTY: Filled = { values: new Map(), problems: [] }

export function formFields(fields: readonly Field[], { values, problems }: Filled): Markup {
  return html`${fields.map((field) => {
    const wrong = problems.some((problem) => problem.field === field.name)
    const value = values.get(field.name) ?? ''
    return field.kind === 'tick' ? tick(field, value !== '') : input(field, value, wrong)
  })}`
}

function input({ name, label, hint, kind, required, inputmode, most = 2048 }: Field, value: string, wrong: boolean) {
  const about = [...(wrong ? ['problem'] : []), ...(hint === undefined ? [] : [`${name}-hint`])].join(' ')
  const secret = kind === 'secret'
  return html`<label for="${name}">${label}${required === true ? '' : html` <span class="soft">(optional)</span>`}</label>
    <input id="${name}" name="${name}" type="${secret ? 'password' : 'text'}" maxlength="${most}" value="${secret ? '' : value}"
      autocomplete="off" autocapitalize="none" spellcheck="false" ${inputmode === undefined ? '' : html`inputmode="${inputmode}"`}
      ${required === true ? html`required` : ''} ${wrong ? html`aria-invalid="true"` : ''} ${about === '' ? '' : html`aria-describedby="${about}"`} />
    ${hint === undefined ? '' : html`<p class="hint" id="${name}-hint">${hint}</p>`}`
}

function tick({ name, label, hint }: Field, isOn: boolean) {
  return html`<label class="tick"><input type="checkbox" name="${name}" value="yes" ${isOn ? html`checked` : ''}
      ${hint === undefined ? '' : html`aria-describedby="${name}-hint"`} /><span>${label}</span></label>
    ${hint === undefined ? '' : html`<p class="hint" id="${name}-hint">${hint}</p>`}`
}

/** Above the form, read out at once. */
export function alertOf({ problems }: Filled, fields: readonly Field[]): Markup | '' {
  if (problems.length === 0) return ''
  const labelOf = (name: string | null) => fields.find((field) => field.name === name)?.label
  return html`<div class="note bad" role="alert" id="problem">
    ${problems.map(({ field, text }) => {
      const label = labelOf(field)
      return html`<p>${label === undefined ? '' : html`<strong>${label}:</strong> `}${text}</p>`
    })}
  </div>`
}

/**
 * Problems of the REST API, which names its own fields, at the fields of a form.
 *
 * @param names fields of the form by the API's
 */
export function problemsAt(problems: readonly string[], names: Readonly<Record<string, string>>): Problem[] {
  // One sentence for a list, however many of it are wrong in the same way.
  const found = problems.map((text): Problem => {
    const [whole, path = '', sentence = ''] = /^([a-z_]+(?:\.[a-z_0-9]+)*): (.*)$/s.exec(text) ?? []
    const parts = path.split('.')
    // `config.email_domains.0` is about `config.email_domains`.
    for (let depth = parts.length; whole !== undefined && depth > 0; depth--) {
      const field = names[parts.slice(0, depth).join('.')]
      if (field !== undefined) return { field, text: sentence }
    }
    return { field: null, text }
  })
  return found.filter(
    ({ field, text }, at) => found.findIndex((other) => other.field === field && other.text === text) === at,
  )
}

/** What was typed, trimmed; a tick is `yes`. */
export function typed(form: ReadonlyMap<string, string>, fields: readonly Field[]): ReadonlyMap<string, string> {
  return new Map(fields.map(({ name, most = 2048 }) => [name, (form.get(name) ?? '').trim().slice(0, most)]))
}
