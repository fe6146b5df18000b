/** The API's own page about itself: plain HTML made from the routes, no script, nothing from elsewhere. */
import { templated } from './openapi.ts';
import type { Route } from './route.ts';

export const DOCS_STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2rem; text-transform: capitalize; }
dt { font-family: ui-monospace, monospace; margin-top: 1rem; overflow-wrap: anywhere; }
dd { margin-left: 1rem; }
b { display: inline-block; min-width: 4rem; }
small { opacity: .75; }
code { font-family: ui-monospace, monospace; }
`;

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, character => ESCAPES[character] ?? character);

/** `a\`b\`` in our own summaries becomes code. */
const inline = (text: string): string => escapeHtml(text).replace(/`([^`]+)`/g, '<code>$1</code>');

function parametersOf(document: unknown, route: Route): string {
  const { paths } = document as { paths: Record<string, Record<string, { parameters: Parameter[] }>> };
  const operation = paths[templated(route.path)]?.[route.method.toLowerCase()];
  const rows = (operation?.parameters ?? []).map(({ name, description = '', in: place }) => {
    return `<li><code>${escapeHtml(name)}</code> <small>${place}</small> ${inline(description)}</li>`;
  });
  return rows.length === 0 ? '' : `<ul>${rows.join('')}</ul>`;
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly description?: string;
}

export function docsPage(routes: readonly Route[], document: unknown, version: string): string {
  const tags = [...new Set(routes.map(route => route.tag))];
  const sections = tags.map(tag => {
    const entries = routes
      .filter(route => route.tag === tag)
      .map(route => {
        const scope = route.scope === null ? 'open' : `scope ${route.scope}`;
        const head = `<dt><b>${route.method}</b> ${escapeHtml(templated(route.path))} <small>${scope}</small></dt>`;
        return `${head}<dd>${inline(route.summary)}${parametersOf(document, route)}</dd>`;
      });
    return `<h2>${escapeHtml(tag)}</h2><dl>${entries.join('')}</dl>`;
  });
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Spoor API</title><link rel="stylesheet" href="/docs/style.css"></head>
<body><h1>Spoor API <small>${escapeHtml(version)}</small></h1>
<p>The whole contract, with every shape: <a href="/api/v1/openapi.json">OpenAPI 3.1</a>. Errors are RFC 9457 problem documents.</p>
${sections.join('\n')}
</body></html>
`;
}
