/**
 * What Cloudflare's documentation sends, as it is printed there: "Access API examples", "Linked apps", and the bodies of the API
 * reference. What they name by an id is made by the test under that very id.
 */

export const EXAMPLE_IDS = {
  group: 'aa0a4aab-672b-4bdb-bc33-a59f1130a11f',
  provider: 'ca298b82-93b5-41bf-bc2d-10493f09b761',
  serviceToken: 'e9808c3a-705c-4afc-a507-6e4b083ff399',
  emailLists: ['email_list_uuid', '597147a1-976b-4ef2-9af0-81d5d007fc34'],
} as const

/** "Access API examples": one rule each, for the decision that it belongs to. */
export const RULES: readonly (readonly [
  decision: 'allow' | 'non_identity',
  rule: Readonly<Record<string, unknown>>,
])[] = [
  ['allow', { group: { id: EXAMPLE_IDS.group } }],
  ['non_identity', { any_valid_service_token: {} }],
  ['allow', { auth_method: { auth_method: 'hwk' } }],
  ['allow', { azureAD: { id: '86773093-5feb-48dd-814b-7ccd3676ff50', identity_provider_id: EXAMPLE_IDS.provider } }],
  ['allow', { common_name: { common_name: 'james@example.com' } }],
  ['allow', { geo: { country_code: 'US' } }],
  ['allow', { email_domain: { domain: 'example.com' } }],
  ['allow', { email: { email: 'test@example.com' } }],
  ['allow', { everyone: {} }],
  ['allow', { 'github-organization': { name: 'cloudflare', identity_provider_id: EXAMPLE_IDS.provider } }],
  ['allow', { gsuite: { email: 'admins@mycompanygsuite.com', identity_provider_id: EXAMPLE_IDS.provider } }],
  ['allow', { ip: { ip: '127.0.0.1/32' } }],
  ['allow', { certificate: {} }],
  ['allow', { okta: { name: 'admins', identity_provider_id: EXAMPLE_IDS.provider } }],
  [
    'allow',
    { saml: { attribute_name: 'group', attribute_value: 'admins', identity_provider_id: EXAMPLE_IDS.provider } },
  ],
  ['non_identity', { service_token: { token_id: EXAMPLE_IDS.serviceToken } }],
]

export const POLICIES: readonly Readonly<Record<string, unknown>>[] = [
  {
    name: 'allow cloudflare employees',
    decision: 'allow',
    include: [{ email_domain: { domain: 'cloudflare.com' } }],
    exclude: [{ email: { email: 'notthisperson@cloudflare.com' } }],
    require: [],
  },
  {
    name: 'Allow requests from Application A',
    decision: 'non_identity',
    include: [{ linked_app_token: { app_uid: 'a1b2c3d4-e5f6-7890-abcd-ef1234567890' } }],
  },
  {
    decision: 'allow',
    include: [{ group: { id: EXAMPLE_IDS.group } }],
    name: 'Allow devs',
    approval_groups: [
      {
        approvals_needed: 1,
        email_addresses: ['test1@cloudflare.com', 'test2@cloudflare.com'],
        email_list_uuid: 'email_list_uuid',
      },
      {
        approvals_needed: 3,
        email_addresses: ['test@cloudflare.com', 'test2@cloudflare.com'],
        email_list_uuid: '597147a1-976b-4ef2-9af0-81d5d007fc34',
      },
    ],
    approval_required: true,
    connection_rules: {
      rdp: {
        allowed_clipboard_local_to_remote_formats: ['text'],
        allowed_clipboard_remote_to_local_formats: ['text'],
      },
    },
    exclude: [{ group: { id: EXAMPLE_IDS.group } }],
    isolation_required: false,
    mfa_config: {
      allowed_authenticators: ['totp', 'biometrics', 'security_key'],
      mfa_disabled: false,
      session_duration: '24h',
    },
    purpose_justification_prompt: 'Please enter a justification for entering this protected domain.',
    purpose_justification_required: true,
    require: [{ group: { id: EXAMPLE_IDS.group } }],
    session_duration: '24h',
  },
]

export const GROUP = {
  include: [{ group: { id: EXAMPLE_IDS.group } }],
  name: 'Allow devs',
  exclude: [{ group: { id: EXAMPLE_IDS.group } }],
  is_default: true,
  require: [{ group: { id: EXAMPLE_IDS.group } }],
}

export const LIST = {
  name: 'Admin Serial Numbers',
  type: 'SERIAL',
  description: 'The serial numbers for administrators',
  items: [{ value: '8GE8721REF' }],
} as const
