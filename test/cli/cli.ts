/** The built command line as a child process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `npm test` has just built what ships, and tests that; by hand it is the source. */
export const CLI = process.env.TEST_BUILT_CLI === '1' ? ['dist/cli.js'] : ['--import', 'tsx', 'src/cli.ts'];

const environment = (more: Record<string, string>): Record<string, string | undefined> => ({
  ...process.env,
  NO_COLOR: '1',
  ...more,
});

/** Runs a command to its end. */
export async function spoor(
  args: readonly string[],
  options: { env?: Record<string, string>; stdin?: string } = {},
): Promise<Ended> {
  const child = spawn(process.execPath, [...CLI, ...args], {
    env: environment(options.env ?? {}),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', chunk => {
    stdout += chunk;
  });
  child.stderr.on('data', chunk => {
    stderr += chunk;
  });
  child.stdin.end(options.stdin ?? '');
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

export interface Running {
  readonly child: ChildProcess;
  readonly output: () => string;
  /** Resolves with the match once both streams together show `pattern`; rejects when the program ends first. */
  shows(pattern: RegExp): Promise<RegExpExecArray>;
  end(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Starts a command that goes on; it is killed when the test ends. */
export function start(args: readonly string[], env: Record<string, string> = {}): Running {
  const child = spawn(process.execPath, [...CLI, ...args], {
    env: environment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const listeners = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', chunk => {
      output += chunk;
      for (const listener of [...listeners]) listener();
    });
  }
  const closed = once(child, 'close').then(([code]) => {
    for (const listener of [...listeners]) listener();
    return code as number | null;
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return {
    child,
    output: () => output,
    shows: pattern =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const match = pattern.exec(output);
          if (match === null && child.exitCode === null && child.signalCode === null) return;
          listeners.delete(look);
          if (match === null) reject(new Error(`ended without showing ${pattern}; it showed:\n${output}`));
          else resolve(match);
        };
        listeners.add(look);
        look();
      }),
    end: (signal = 'SIGTERM') => {
      child.kill(signal);
      return closed;
    },
  };
}

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'spoor-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
