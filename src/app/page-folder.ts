import { fileURLToPath } from 'node:url';

/** The built web page: beside the built program, and where it is built when the program runs from source. */
export const PAGE_FOLDER = fileURLToPath(new URL('../../dist/ui', import.meta.url));
