/** Text to take along, with a button that takes it. */
import { Button, Code, CopyButton, Group, VisuallyHidden } from '@mantine/core'
import { COMMON } from '../words/common.ts'

/** @param label what it is, for screen readers */
export function Copyable({ text, label }: { text: string; label: string }) {
  return (
    <Group gap="xs" wrap="nowrap" align="flex-start">
      <Code block style={{ flex: 1, whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
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
