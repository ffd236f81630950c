/**
 * Text of others: servers, clients, providers, users. It is shown as text and never as markup, and what is drawn as nothing, or would turn
 * a line around, is shown by its code.
 */
import { Text, type TextProps } from '@mantine/core'
import { visible } from '../../../src/base/visible.ts'

const CODE = /(\\u\{[0-9a-f]+\})/

/** @param text as it came */
export function Foreign({ text, ...more }: { text: string } & TextProps) {
  // Lines of a text that has several stay lines.
  const parts = text.split('\n').map(visible).join('\n').split(CODE)
  return (
    <Text component="span" inherit className="foreign" {...more}>
      {parts.map((part, at) =>
        CODE.test(part) ? (
          <span
            // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one text have nothing else, and never change places
            key={at}
            className="hidden-character"
            title="A character that is not drawn, or that changes how others are"
          >
            {part}
          </span>
        ) : (
          part
        ),
      )}
    </Text>
  )
}

/** @returns the address where it is one that a link may lead to, else null: never `javascript:` or `data:` */
export function safeHref(address: string): string | null {
  const url = URL.parse(address)
  return url !== null && (url.protocol === 'https:' || url.protocol === 'http:') ? url.href : null
}
