/** The id and the name of what is new: proposed from what is known, until somebody types one. */
import { SimpleGrid, TextInput } from '@mantine/core'
import { useState } from 'react'
import { Problem } from '../../api/ask.ts'
import { SIDE_BY_SIDE } from '../../parts/side-by-side.ts'
import { suggestedServerId } from '../../rules/suggested-id.ts'
import { NEW_SERVER as SAYS } from '../../words/servers.ts'

const LONGEST_NAME = 100

export interface Named {
  id: string
  name: string
  setId(id: string): void
  setName(name: string): void
}

/** @param proposal what it may be called */
export function useNamed(proposal: string): Named {
  const [typedId, setId] = useState<string | null>(null)
  const [typedName, setName] = useState<string | null>(null)
  const name = typedName ?? proposal.slice(0, LONGEST_NAME)
  return { id: typedId ?? suggestedServerId(name), name, setId, setName }
}

export function NameFields({ named, error }: { named: Named; error: unknown }) {
  const at = (field: string) => (error instanceof Problem ? error.at(field) : undefined)
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }}>
      <TextInput
        label={SAYS.name}
        description={SAYS.nameSays}
        required
        {...SIDE_BY_SIDE}
        value={named.name}
        onChange={({ currentTarget }) => named.setName(currentTarget.value)}
        error={at('name')}
      />
      <TextInput
        label={SAYS.id}
        description={SAYS.idSays}
        required
        {...SIDE_BY_SIDE}
        value={named.id}
        onChange={({ currentTarget }) => named.setId(currentTarget.value)}
        error={at('id')}
      />
    </SimpleGrid>
  )
}
