import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { NONCE } from '../src/console/assets.ts'

export default defineConfig({
  base: '/admin/',
  plugins: [react()],
  html: { cspNonce: NONCE },
  build: {
    target: 'es2023',
    // Every file is a file: the policy lets no script stand in a page.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1024,
  },
})
