/** A server by its URL: the portal looks what it is while it is typed, and the form is filled with what it found. */
import { Button, Checkbox, Group, NativeSelect, Stack, Text, TextInput } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import type { ServerCreate } from '../../../../src/contract/server.ts'
import type { ProbeShown, ServerProbe } from '../../../../src/contract/server-look.ts'
import { Problem } from '../../api/ask.ts'
import { meQuery } from '../../api/me.ts'
import { createServer, probeServer } from '../../api/servers.ts'
import { ProblemNote } from '../../parts/told.tsx'
import { useDeed } from '../../parts/use-deed.ts'
import { NEW_SERVER as SAYS } from '../../words/servers.ts'
import { CredentialFields, credentialText, NO_SECRET } from './credential-fields.tsx'
import { NameFields, useNamed } from './named.tsx'
import { ProbeSteps } from './probe-steps.tsx'

type Auth = ServerCreate['auth_type']

/** Long enough that an address is typed to its end. */
const TYPING_MS = 800

/** @returns `host:port` as `allow_private` names it; null where it is no URL yet */
export function placeIn(text: string): string | null {
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol) || url.hostname === '') return null
  return `${url.hostname}:${url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : url.port}`
}

/** One look at a time; what is sent with it is kept in no cache. */
function useLook() {
  const [asked, setAsked] = useState<{ count: number; body: ServerProbe } | null>(null)
  const { data, error, isFetching, isPlaceholderData } = useQuery({
    queryKey: ['probe', asked?.count],
    queryFn: async ({ signal }): Promise<ProbeShown> => {
      if (asked === null) throw new Problem(0, [])
      return (await probeServer(asked.body, signal)).result
    },
    ...{ enabled: asked !== null, retry: false, gcTime: 0, staleTime: Number.POSITIVE_INFINITY },
    ...{ refetchOnWindowFocus: false, refetchOnReconnect: false },
  })
  const look = (body: ServerProbe) => setAsked((before) => ({ count: (before?.count ?? 0) + 1, body }))
  const shown = isPlaceholderData ? undefined : data
  return { look, shown, error, isLooking: isFetching, lookedAt: asked?.body.hostname ?? null }
}

export function NewByUrl() {
  const navigate = useNavigate()
  const isOwner = useQuery(meQuery).data?.role === 'owner'
  const [url, setUrl] = useState('')
  const [isInner, setInner] = useState(false)
  const [chosen, setChosen] = useState<Auth | null>(null)
  const [credential, setCredential] = useState(NO_SECRET)
  const { look, shown, error, isLooking, lookedAt } = useLook()
  const place = placeIn(url)
  // What was found at another address says nothing of this one.
  const found = lookedAt === url.trim() ? shown?.found : undefined
  const auth = chosen ?? found?.auth_type ?? 'unauthenticated'
  const named = useNamed(found?.name ?? (place === null ? '' : place.replace(/:\d+$/, '')))
  const create = useDeed(createServer, {
    reads: [['servers']],
    after: ({ id }) => void navigate({ to: '/servers/$id', params: { id } }),
  })
  const wishOf = (text: string, inner: boolean): ServerProbe => {
    const opened = inner ? placeIn(text) : null
    const secret = auth === 'bearer' ? credentialText(credential) : undefined
    return {
      hostname: text.trim(),
      ...(opened === null ? {} : { allow_private: [opened] }),
      ...(secret === undefined ? {} : { auth_credentials: secret }),
    }
  }
  const lookSoon = useDebouncedCallback((text: string, inner: boolean) => {
    if (placeIn(text) !== null) look(wishOf(text, inner))
  }, TYPING_MS)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const { allow_private, auth_credentials } = wishOf(found?.hostname ?? url, isInner)
    create.mutate({
      ...{ id: named.id, name: named.name, hostname: found?.hostname ?? url.trim(), auth_type: auth },
      ...(allow_private === undefined ? {} : { allow_private }),
      ...(auth_credentials === undefined ? {} : { auth_credentials }),
    })
  }
  const problem = create.error instanceof Problem ? create.error : null
  return (
    <form onSubmit={submit}>
      <Stack>
        <TextInput
          label={SAYS.url}
          description={SAYS.urlSays}
          placeholder="https://mcp.example.com/mcp"
          type="url"
          required
          value={url}
          onChange={({ currentTarget }) => {
            setUrl(currentTarget.value)
            lookSoon(currentTarget.value.trim(), isInner)
          }}
          error={problem?.at('hostname') ?? (url.length > 8 && place === null ? SAYS.urlShape : undefined)}
        />
        {place !== null && (
          <Checkbox
            label={SAYS.private(place)}
            description={SAYS.privateSays}
            checked={isInner}
            disabled={!isOwner}
            onChange={({ currentTarget }) => {
              setInner(currentTarget.checked)
              look(wishOf(url, currentTarget.checked))
            }}
          />
        )}
        {lookedAt !== null &&
          (error === null ? <ProbeSteps shown={shown} isLooking={isLooking} /> : <ProblemNote error={error} />)}
        <NativeSelect
          label={SAYS.auth}
          value={auth}
          onChange={({ currentTarget }) => setChosen(currentTarget.value as Auth)}
          data={Object.entries(SAYS.auths).map(([value, label]) => ({ value, label }))}
        />
        {auth === 'oauth' && <Text size="sm">{SAYS.oauthNext}</Text>}
        {auth === 'bearer' && (
          <CredentialFields value={credential} onChange={setCredential} error={problem?.at('auth_credentials')} />
        )}
        <NameFields named={named} error={create.error} />
        {create.error !== null && <ProblemNote error={create.error} />}
        <Group>
          <Button type="submit" loading={create.isPending} disabled={place === null}>
            {SAYS.create}
          </Button>
          <Button variant="default" disabled={place === null || isLooking} onClick={() => look(wishOf(url, isInner))}>
            {SAYS.look}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
