/** Text to take along, with a button that takes it. */
import { Button, Code, CopyButton, Group, VisuallyHidden } from '@mantine/core'
import { COMMON } from '../words/common.ts'

const BLOCK = { flex: 1, whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' } as const
const LINE = { flex: 1, minWidth: 0, overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap' } as const

/**
 * @param label what it is, for screen readers
 * @param isLine it stays in one line, as in a table; what does not fit is cut off where it is shown, and copied all the same
 */
export function Copyable({ text, label, isLine = false }: { text: string; label: string; isLine?: boolean }) {
  return (
    <Group gap="xs" wrap="nowrap" align="flex-start">
      <Code block style={isLine ? LINE : BLOCK} title={isLine ? text : undefined}>
        {text}
      </Code>
      <CopyButton value={text}>
        {({ copied, copy }) => (
          <>
            <Button size="xs" variant="default" onClick={copy} aria-label={`${COMMON.copy}: ${label}`}>
              {copied ? COMMON.copied : COMMON.copy}
            </Button>
            <VisuallyHidden role="status">{copied ? COMMON.copied : ''}</VisuallyHidden>
          </>
        )}
      </CopyButton>
    </Group>
  )
}
