import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** The web page: `src/ui` becomes `dist/ui`, which the API serves. */
export default defineConfig({
  root: 'src/ui',
  plugins: [react()],
  build: {
    outDir: '../../dist/ui',
    emptyOutDir: true,
    target: 'es2023',
    // Nothing is inlined: the policy under which the page runs allows its own files alone.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: { '/api': 'http://127.0.0.1:8787', '/health': 'http://127.0.0.1:8787' } },
});
