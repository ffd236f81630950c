/** Tests that documents and tables cite by title. */

/** Whether a test or a group of tests has this title; `…` stands for a part that the source fills in. */
export function hasTitle(source: string, title: string): boolean {
  const pattern = title
    .split('…')
    .map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
    .join('(?:\\$\\{.*?\\}|\\$\\w+|%\\w)')
  return new RegExp(`(['"\`])${pattern}\\1\\s*,`).test(source)
}
