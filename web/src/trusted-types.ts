/**
 * The one policy by which text may become markup: what has neither `<` nor `&` is the same in both, and nothing else passes. The component
 * library sets the text of its `<style>` elements that way; nobody else has a reason to, and text of servers least of all.
 */
interface TrustedTypePolicyFactory {
  createPolicy(name: string, rules: { createHTML(text: string): string | null }): unknown
}

const { trustedTypes } = window as { trustedTypes?: TrustedTypePolicyFactory }

trustedTypes?.createPolicy('default', { createHTML: (text) => (/[<&]/.test(text) ? null : text) })
