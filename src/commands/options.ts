/** Options that several commands share, and their parsing. */
import { existsSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { parseInstant } from '../model/time.ts';
import { LEVELS, type Level } from '../rules/rule.ts';
import { type GlobalOptions, UsageError } from './io.ts';

export function parseSpeed(text: string): 'max' | number {
  if (text === 'max') return 'max';
  const speed = Number(text);
  if (!Number.isFinite(speed) || speed <= 0)
    throw new InvalidArgumentError('expected max or a number above 0, such as 20');
  return speed;
}

export function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (!(seconds >= 0.2 && seconds <= 3_600)) throw new InvalidArgumentError('expected seconds from 0.2 to 3600');
  return seconds;
}

/** `host:port`, as `api.listen` takes it. */
export function parseListen(text: string): string {
  if (!/^\S+:\d{1,5}$/.test(text))
    throw new InvalidArgumentError('expected host:port, such as 127.0.0.1:8787 (port 0: any free one)');
  return text;
}

/** Micros since the epoch. */
export function parseTime(text: string): number {
  const instant = parseInstant(text);
  if (instant === null) throw new InvalidArgumentError('expected a time such as 2026-01-01T00:00:00Z');
  return instant.time;
}

export function parseLevel(text: string): Level {
  const level = LEVELS.find(one => one === text);
  if (level === undefined) throw new InvalidArgumentError(`expected one of ${LEVELS.join(', ')}`);
  return level;
}

export const collect = (value: string, all: readonly string[]): string[] => [...all, value];

/** Says at once which file or folder is not there, before anything starts. */
export function requirePaths(paths: readonly string[]): void {
  const seen = new Map<string, string>();
  for (const path of paths) {
    if (path === '-') continue;
    if (!existsSync(path)) throw new UsageError(`${path}: no such file`);
    const real = realpathSync(path);
    const twin = seen.get(real);
    // What is in it would count twice.
    if (twin !== undefined) throw new UsageError(`${path} and ${twin} are one file: name it once`);
    seen.set(real, path);
  }
}

/** The same for files alone, such as captures. */
export function requireFiles(files: readonly string[]): void {
  requirePaths(files);
  for (const file of files)
    if (file !== '-' && statSync(file).isDirectory())
      throw new UsageError(`${file}: is a folder; name the files in it, such as ${join(file, '*.gz')}`);
}

/** Global options as the program parsed them. */
export const globals = (options: unknown): GlobalOptions => options as GlobalOptions;
