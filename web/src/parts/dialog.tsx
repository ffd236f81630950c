/** A dialog over the page. Escape closes the one that somebody is in, and no other that is open beneath it. */
import { Modal, type ModalProps } from '@mantine/core'
import type { KeyboardEvent } from 'react'
import { COMMON } from '../words/common.ts'

export function Dialog(props: ModalProps) {
  const { onClose } = props
  // The library's own closes all of them at once. A list that is open within keeps the key for itself.
  const leave = (event: KeyboardEvent) => {
    const isTaken = (event.target as Element).getAttribute('data-mantine-stop-propagation') === 'true'
    if (event.key !== 'Escape' || isTaken || event.nativeEvent.isComposing) return
    event.stopPropagation()
    onClose()
  }
  return <Modal closeOnEscape={false} onKeyDown={leave} closeButtonProps={{ 'aria-label': COMMON.close }} {...props} />
}
