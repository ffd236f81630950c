/** What the *-store.ts files share: columns that hold JSON text, flags, and the stamps of who made and changed a record. */

/** @throws SyntaxError when the row was damaged by another hand */
export function fromJson<T>(text: string): T {
  return JSON.parse(text) as T
}

export const flag = (value: boolean): number => (value ? 1 : 0)

/** Who changed something, as `created_by` and `modified_by` show it. */
export interface Author {
  label: string
  origin: 'api' | 'file'
}

/** When and by whom a record was made and changed. Times are milliseconds since 1970. */
export interface Stamped {
  createdAt: number
  createdBy: string
  modifiedAt: number
  modifiedBy: string
  /** `file`: declared in the configuration file, read-only over the API. */
  origin: 'api' | 'file'
}

interface StampColumns {
  created_at: number
  created_by: string
  modified_at: number
  modified_by: string
  origin: 'api' | 'file'
}

export function newStamps(now: number, author: Author): StampColumns {
  return {
    created_at: now,
    created_by: author.label,
    modified_at: now,
    modified_by: author.label,
    origin: author.origin,
  }
}

export function changedStamps(
  now: number,
  author: Author,
): Pick<StampColumns, 'modified_at' | 'modified_by' | 'origin'> {
  return { modified_at: now, modified_by: author.label, origin: author.origin }
}

export function stampsOf(row: StampColumns): Stamped {
  return {
    createdAt: row.created_at,
    createdBy: row.created_by,
    modifiedAt: row.modified_at,
    modifiedBy: row.modified_by,
    origin: row.origin,
  }
}
