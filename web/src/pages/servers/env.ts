/** `NAME=value` lines, as environments are typed. */

export const linesOf = (text: string): string[] => text.split('\n').filter((line) => line.trim() !== '')

/** @returns names and values */
export function envOf(text: string): Record<string, string> {
  return Object.fromEntries(
    linesOf(text).map((line) => {
      const [name = '', ...value] = line.split('=')
      return [name.trim(), value.join('=')]
    }),
  )
}
