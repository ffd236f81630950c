/** Which fields a request wrote, for the audit: names only, and none that a read merely echoed. */

const ECHOED: readonly string[] = [
  'account_id',
  'app_count',
  'auth_config_summary',
  'authentication_status',
  'created_at',
  'created_by',
  'error',
  'error_details',
  'id',
  'last_seen_at',
  'last_successful_sync',
  'last_synced',
  'modified_at',
  'modified_by',
  'origin',
  'prompts',
  'reusable',
  'status',
  'tools',
  'updated_at',
]

export function writtenFields(body: object): readonly string[] {
  return Object.entries(body)
    .filter(([name, value]) => value !== undefined && !ECHOED.includes(name))
    .map(([name]) => name)
    .sort()
}
