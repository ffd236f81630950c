/**
 * A table of any length: only the rows that can be seen are there. A row may lead somewhere: its first cell is a link, which opens in a new
 * tab as links do, and the whole row takes the mouse. Tab comes to one row, arrow keys lead from there. More is asked for when the end
 * comes near.
 */
import { Box, Text } from '@mantine/core'
import { Link, type LinkProps } from '@tanstack/react-router'
import { defaultRangeExtractor, useVirtualizer } from '@tanstack/react-virtual'
import { type KeyboardEvent, type MouseEvent, type ReactNode, useEffect, useRef } from 'react'
import { useRowKeys } from './use-row-keys.ts'

/** Where a row leads; `to: '.'` stays on the page. */
export type RowLink = Pick<LinkProps, 'to' | 'params' | 'search'>

export interface Column<Row> {
  title: string
  /** CSS grid track, such as `minmax(8rem, 2fr)`. */
  width: string
  /** What the row is called: its link stands here, where that is not the first column. */
  isName?: true
  cell(row: Row): ReactNode
}

export interface RowsProps<Row> {
  /** For screen readers. */
  label: string
  rows: readonly Row[]
  columns: readonly Column<Row>[]
  idOf(row: Row): string
  /** Pixels; every row has this height. */
  rowHeight?: number
  /** CSS; the table scrolls in itself. */
  height?: string
  linkOf?(row: Row): RowLink
  /** The id of the row that was left just now: it has the focus again. */
  cameFrom?: string
  /** The rows at the end have been reached. */
  onEnd?(): void
  /** Least width in rem before it scrolls sideways. */
  minWidth?: number
}

/** Rows that are drawn beyond those that can be seen. */
const OVERSCAN = 12

export function Rows<Row>(props: RowsProps<Row>) {
  const { label, rows, columns, idOf, rowHeight = 44, height, linkOf, onEnd, minWidth = 40 } = props
  const scroller = useRef<HTMLDivElement>(null)
  const first = props.cameFrom === undefined ? -1 : rows.findIndex((row) => idOf(row) === props.cameFrom)
  const { here, stand, move } = useRowKeys(scroller, rows.length, first)
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: OVERSCAN,
    initialOffset: Math.max(first, 0) * rowHeight,
    // The row that somebody is on stays there, also while they look elsewhere.
    rangeExtractor: (range) => {
      const drawn = defaultRangeExtractor(range)
      return here < 0 ? drawn : [...new Set([...drawn, here])].sort((a, b) => a - b)
    },
    getItemKey: (at) => (rows[at] === undefined ? at : idOf(rows[at])),
  })
  const shown = virtual.getVirtualItems()
  const last = (virtual.range?.endIndex ?? 0) + OVERSCAN
  useEffect(() => {
    if (onEnd !== undefined && rows.length > 0 && last >= rows.length - 5) onEnd()
  }, [last, rows.length, onEnd])

  const named = Math.max(
    columns.findIndex(({ isName }) => isName),
    0,
  )
  const tracks = columns.map(({ width }) => width).join(' ')
  const line = { display: 'grid', gridTemplateColumns: tracks, columnGap: '0.75rem', alignItems: 'center' } as const
  return (
    <Box
      ref={scroller}
      className="rows"
      role="table"
      aria-label={label}
      aria-rowcount={rows.length + 1}
      // What scrolls must be reached by keyboard; where rows are links, they are.
      tabIndex={linkOf === undefined ? 0 : -1}
      style={{
        height: height ?? `min(${rows.length * rowHeight + rowHeight + 4}px, calc(100dvh - 17rem))`,
        minHeight: '12rem',
        // What has the focus is not under the head.
        scrollPaddingTop: rowHeight,
      }}
    >
      <Box
        role="rowgroup"
        style={{ minWidth: `${minWidth}rem`, position: 'sticky', top: 0, zIndex: 1 }}
        bg="var(--mantine-color-body)"
      >
        <Box role="row" aria-rowindex={1} px="xs" style={{ ...line, height: rowHeight }}>
          {columns.map(({ title }) => (
            <Text key={title} role="columnheader" size="sm" fw={600} c="dimmed">
              {title}
            </Text>
          ))}
        </Box>
      </Box>
      <Box role="rowgroup" style={{ minWidth: `${minWidth}rem`, height: virtual.getTotalSize(), position: 'relative' }}>
        {shown.map(({ index, key, start }) => {
          const row = rows[index]
          if (row === undefined) return null
          const link = linkOf?.(row)
          const opens = link && {
            className: 'row-opens',
            onClick: followLink,
            onFocus: () => stand(index),
            onKeyDown: (event: KeyboardEvent) => move(event, (to) => virtual.scrollToIndex(to)),
          }
          return (
            <Box
              key={key}
              role="row"
              aria-rowindex={index + 2}
              data-index={index}
              px="xs"
              style={{ ...line, position: 'absolute', insetInline: 0, top: start, height: rowHeight }}
              {...opens}
            >
              {columns.map(({ title, cell }, at) => (
                <Box
                  key={title}
                  role="cell"
                  style={{ overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap' }}
                >
                  {at === named && link !== undefined ? (
                    <Link {...link} className="row-link" tabIndex={index === here ? 0 : -1}>
                      {cell(row)}
                    </Link>
                  ) : (
                    cell(row)
                  )}
                </Box>
              ))}
            </Box>
          )
        })}
      </Box>
    </Box>
  )
}

/** A click beside the link is one on the link, with the keys that were held: a new tab, where they ask for one. */
function followLink({ target, currentTarget, ctrlKey, metaKey, shiftKey }: MouseEvent<HTMLElement>): void {
  if ((target as Element).closest('a, button, input, label') !== null) return
  // Who marks text to copy it goes nowhere.
  if (!(window.getSelection()?.isCollapsed ?? true)) return
  const click = new window.MouseEvent('click', { bubbles: true, cancelable: true, ctrlKey, metaKey, shiftKey })
  currentTarget.querySelector('.row-link')?.dispatchEvent(click)
}
