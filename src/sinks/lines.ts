/** Delivery → NDJSON: one line an alert, in the JSON of the command line's contract; one line a change of an incident. */
import { escapeJson } from '../model/escape.ts';
import type { Delivery, SendResult, Sink } from './sink.ts';

/** Ends with a line end. Safe on terminals: what could steer one is a `\u` escape, which parses to the same string. */
export function linesOf({ signal, alerts, incident }: Delivery): string {
  const objects = alerts.length > 0 ? alerts : [{ signal, incident }];
  return objects.map(object => `${escapeJson(JSON.stringify(object))}\n`).join('');
}

/**
 * One write at a time, so that lines do not interleave. What was given up on while it waited is not written: behind a stalled
 * reader nothing piles up.
 */
export function inTurn(write: (delivery: Delivery) => Promise<SendResult>): Sink['send'] {
  let last: Promise<unknown> = Promise.resolve();
  return (delivery, signal) => {
    const result = last.then(() =>
      signal.aborted ? ({ outcome: 'retry', detail: 'an earlier write is not done' } as const) : write(delivery),
    );
    last = result;
    return result;
  };
}
