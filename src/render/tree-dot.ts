/** The tree as a Graphviz graph: processes as boxes, destinations as ellipses. */
import type { RootTree } from '../context/views.ts';
import { shown } from './alert.ts';
import { commandText, destinationText, isDropped, layout } from './tree-layout.ts';

const STYLE = { socket: 'solid', inferred: 'dashed', pod: 'dotted' } as const;

/** A DOT string literal; the text is escaped for eyes first, so no control character is left. */
const quote = (text: string): string => `"${text.replace(/[\\"]/g, '\\$&')}"`;

export function treeDot(name: string, roots: readonly RootTree[]): string {
  const lines = [
    `digraph ${quote(shown(name))} {`,
    '  rankdir=LR; node [fontname="sans-serif" fontsize=10 shape=box]; edge [fontname="sans-serif" fontsize=9];',
  ];
  const destinations = new Map<string, string>();
  for (const root of roots) {
    const stack: string[] = [];
    for (const row of layout(root)) {
      const id = quote(row.process.execId);
      stack.length = row.rails.length;
      const parent = stack[stack.length - 1];
      const more = row.folded > 0 ? ` (and ${row.folded} more)` : '';
      lines.push(`  ${id} [label=${quote(`${commandText(row.process, 60)}${more} pid ${row.process.pid}`)}];`);
      if (parent !== undefined) lines.push(`  ${parent} -> ${id};`);
      stack.push(id);
      for (const group of row.connections) {
        const text = destinationText(group.destination);
        let node = destinations.get(text);
        if (node === undefined) {
          node = quote(`to ${text}`);
          destinations.set(text, node);
          lines.push(`  ${node} [label=${quote(text)} shape=ellipse];`);
        }
        const colour = isDropped(group.verdict) ? ' color=red' : '';
        lines.push(
          `  ${id} -> ${node} [style=${STYLE[group.attribution]} label=${quote(`${group.protocol} ×${group.connections}`)}${colour}];`,
        );
      }
    }
  }
  lines.push('}');
  return lines.join('\n');
}
