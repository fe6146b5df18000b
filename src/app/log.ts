/** The program's log: one line an event on stderr, JSON for machines or text for people. */
import { pino } from 'pino';
import type { Config } from '../config/schema.ts';
import { escapeTerminal } from '../model/escape.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type Log = (level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>) => void;

/** Keys of pino's own that a person does not want to read. */
const OWN = new Set(['level', 'time', 'pid', 'hostname', 'msg']);

function asText(line: string): string {
  const record = JSON.parse(line) as Record<string, unknown>;
  const fields = Object.entries(record)
    .filter(([key]) => !OWN.has(key))
    .map(([key, value]) => ` ${key}=${escapeTerminal(typeof value === 'string' ? value : JSON.stringify(value))}`);
  return `${String(record.time).slice(11, 23)} ${String(record.level)} ${escapeTerminal(String(record.msg))}${fields.join('')}\n`;
}

export function createLog(settings: Config['log'], stream: { write(text: string): unknown } = process.stderr): Log {
  const destination =
    settings.format === 'json'
      ? { write: (line: string) => void stream.write(line) }
      : { write: (line: string) => void stream.write(asText(line)) };
  const logger = pino(
    {
      level: settings.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
    },
    destination,
  );
  return (level, message, fields = {}) => logger[level](fields, message);
}
