/**
 * The one script of these pages: it puts a button beside what is worth copying. Without it everything is still there to be read and
 * selected. It is allowed by its hash, takes nothing from the page but the text that it copies, and writes no markup.
 */
export const COPY_SCRIPT = `
for (const from of document.querySelectorAll('[data-copy]')) {
  const button = document.createElement('button')
  button.type = 'button'
  button.className = 'quiet'
  const say = (text) => { button.textContent = text }
  say('Copy')
  button.setAttribute('aria-label', 'Copy ' + from.dataset.copy)
  const status = document.createElement('span')
  status.setAttribute('role', 'status')
  status.className = 'unseen'
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(from.value ?? from.textContent)
      say('Copied')
      status.textContent = 'Copied ' + from.dataset.copy
    } catch {
      const range = document.createRange()
      range.selectNodeContents(from)
      getSelection().removeAllRanges()
      getSelection().addRange(range)
      say('Selected')
    }
    setTimeout(() => { say('Copy'); status.textContent = '' }, 2000)
  })
  from.after(button, status)
}
`
