/** Delivery → NDJSON: one line an alert, in the JSON of the command line's contract; one line a change of an incident. */
import { escapeJson } from '../model/escape.ts';
import type { Delivery } from './sink.ts';

/** Ends with a line end. Safe on terminals: what could steer one is a `\u` escape, which parses to the same string. */
export function linesOf({ signal, alerts, incident }: Delivery): string {
  const objects = alerts.length > 0 ? alerts : [{ signal, incident }];
  return objects.map(object => `${escapeJson(JSON.stringify(object))}\n`).join('');
}
