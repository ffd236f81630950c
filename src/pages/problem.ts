/** What a person reads when something did not work: what happened, in one sentence, and what to do next. No detail that helps an attacker. */
import { html } from 'hono/html'
import { page } from './page.ts'

const PROBLEMS = {
  'bad-form': {
    status: 400,
    title: 'That form could not be read',
    advice: 'Go back, load the page again, and send it once more.',
  },
  'foreign-form': {
    status: 403,
    title: 'This page was too old, or not ours',
    advice:
      'Nothing was changed. Go back, load the page again, and send it once more. Cookies must be allowed for this site.',
  },
  'unknown-authorization': {
    status: 400,
    title: 'This sign-in is over, or began in another browser',
    advice:
      'Nothing was given away. Start again from your client; the link it opens works once, and only in the browser that opened it.',
  },
} as const satisfies Readonly<Record<string, { status: number; title: string; advice: string }>>

export type Problem = keyof typeof PROBLEMS

export function problemPage(problem: Problem): Promise<Response> {
  const { status, title, advice } = PROBLEMS[problem]
  return page(
    title,
    html`<h1>${title}</h1><p class="lead">${advice}</p><p><a href="/">To the portal's home</a></p>`,
    status,
  )
}
