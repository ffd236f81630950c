/** Reads a form that a page of ours sent: small, of one type, each field once. */

const MOST_BYTES = 64 * 1024
const MOST_FIELDS = 500

/** @returns null for what is no such form */
export async function readForm(request: Request): Promise<ReadonlyMap<string, string> | null> {
  const type = (request.headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase()
  if (type !== 'application/x-www-form-urlencoded') return null
  const text = await readText(request)
  if (text === null) return null
  const fields = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(text)) {
    if (fields.has(name) || fields.size === MOST_FIELDS) return null
    fields.set(name, value)
  }
  return fields
}

async function readText(request: Request): Promise<string | null> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const chunk of request.body ?? []) {
      bytes += chunk.length
      if (bytes > MOST_BYTES) return null
      chunks.push(chunk)
    }
  } catch {
    // It broke off: nobody is left to be told, and it is no failure of ours that the log should hold.
    return null
  }
  return Buffer.concat(chunks).toString('utf8')
}
