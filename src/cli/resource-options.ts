/** `--resource-…`: how a server's resources are shown, as it is said on the command line, and told. */
import { type Command, Option } from 'commander'
import { CACHE_HINTS, RESOURCE_URIS, type ResourcesInput } from '../contract/server.ts'
import type { Server } from './add-server.ts'

export interface ResourceOptions {
  resourceUris?: (typeof RESOURCE_URIS)[number]
  resourceCache?: (typeof CACHE_HINTS)[number]
}

export function withResourceOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--resource-uris <how>', "its resources' URIs as they are, or each with its id in it").choices(
        RESOURCE_URIS,
      ),
    )
    .addOption(
      new Option('--resource-cache <who>', 'whether others may keep what it says is for all').choices(CACHE_HINTS),
    )
}

/** @returns what is sent to the portal; nothing where nothing was said */
export function describeResources({ resourceUris, resourceCache }: ResourceOptions): { resources?: ResourcesInput } {
  const resources = {
    ...(resourceUris === undefined ? {} : { uris: resourceUris }),
    ...(resourceCache === undefined ? {} : { cache: resourceCache }),
  }
  return Object.keys(resources).length === 0 ? {} : { resources }
}

export function resourcesLine({ resources }: Server): string {
  const shown = resources.uris === 'wrapped' ? 'under URIs with its id in them' : 'under their own URIs'
  return `${shown}, ${resources.cache === 'private' ? 'kept by whoever read them' : 'kept as it says'}`
}
