/** For fields that stand side by side: what is said of each is below it, so that they are in one line however long that is. */
export const SIDE_BY_SIDE: { inputWrapperOrder: ('label' | 'input' | 'description' | 'error')[] } = {
  inputWrapperOrder: ['label', 'input', 'description', 'error'],
}
