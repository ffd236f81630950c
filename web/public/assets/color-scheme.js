// Before anything is painted: the colours that this browser was told to use, else those of its system.
{
  const kept = localStorage.getItem('portico-color-scheme')
  const isDark = kept === 'dark' || (kept !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.setAttribute('data-mantine-color-scheme', isDark ? 'dark' : 'light')
}
