/** The helper that reads rules which somebody writes: the language server's answers, without an editor. */
import { readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RuleCheckView, RuleSuggestions, RuleTestView } from '../../api/rule-lab.ts';
import { loadRuleSet, sharedFiles } from '../../commands/rule-set.ts';
import { complete } from '../../language-server/completion.ts';
import { cursorAt } from '../../language-server/cursor.ts';
import { rulesBelow } from '../../language-server/folder.ts';
import { hover } from '../../language-server/hover.ts';
import { Workspace } from '../../language-server/workspace.ts';
import type { RuleTestOptions } from '../../rule-tests/run.ts';
import { smallCaptures } from '../rule-test-captures.ts';
import { answerParent } from './child-side.ts';

interface Posted {
  readonly text: string;
  /** As which the text is read. */
  readonly file: string;
  /** Rule folders of the configuration. */
  readonly folders: readonly string[];
}

interface At extends Posted {
  readonly line: number;
  readonly character: number;
}

/** Folders are read again when a question comes so long after the last reading. */
const RELOAD_AFTER_MS = 10_000;
const SUGGESTIONS_MAX = 500;
const CAPTURES = fileURLToPath(new URL('../../../captures/', import.meta.url));

let workspace: Workspace | null = null;
let readAt = 0;

function workspaceFor({ text, file, folders }: Posted): Workspace {
  const tests = (): RuleTestOptions => capturesWithin([CAPTURES, ...folders]);
  const tags = (): string[] => loadRuleSet([]).loaded.rules.flatMap(rule => rule.tags);
  const now = performance.now();
  if (workspace === null) {
    const below = (path: string) =>
      statSync(path, { throwIfNoEntry: false })?.isDirectory() ? rulesBelow(path) : fileAt(path);
    workspace = new Workspace({ shipped: () => sharedFiles([]), folder: below, tags, tests }, folders);
    readAt = now;
  } else if (now - readAt > RELOAD_AFTER_MS) {
    workspace.reload();
    readAt = now;
  }
  workspace.set(file, text);
  return workspace;
}

function fileAt(path: string): { file: string; text: string }[] {
  try {
    return [{ file: path, text: readFileSync(path, 'utf8') }];
  } catch {
    return [];
  }
}

/** A posted test names captures by path: only those that ship, and those in rule folders, are read for it. */
function capturesWithin(folders: readonly string[]): RuleTestOptions {
  const options = smallCaptures();
  return {
    ...options,
    readCapture(path, file) {
      const whole = resolve(join(dirname(file), path));
      const isWithin = folders.some(folder => {
        const below = relative(resolve(folder), whole);
        return below !== '' && !below.startsWith('..') && !isAbsolute(below);
      });
      if (!isWithin)
        throw new Error(
          `${path} is not among the recordings that ship, nor in a rule folder: run this test with spoor rules test`,
        );
      return options.readCapture(path, file);
    },
  };
}

function check(posted: Posted): RuleCheckView {
  const { file } = posted;
  const known = workspaceFor(posted);
  const diagnostics = known
    .diagnose(file)
    .map(({ line, column, code, severity, message, hint }) => ({ line, column, code, severity, message, hint }));
  const tests = known.tests(file).map(({ rule, name, line }) => ({ rule, name, line: line + 1 }));
  known.close(file);
  return { diagnostics, tests };
}

function test(posted: Posted): { items: RuleTestView[] } {
  const known = workspaceFor(posted);
  const items = known
    .runTests(posted.file, null, null)
    .map(({ rule, title, test: name, line, passed, problems, alerts }) => ({
      rule,
      title,
      test: name,
      line,
      passed,
      problems: [...problems],
      alerts,
    }));
  known.close(posted.file);
  return { items };
}

function suggest({ line, character, ...posted }: At): RuleSuggestions {
  const known = workspaceFor(posted);
  const cursor = cursorAt(posted.text, line, character);
  const suggestions = complete(cursor, {
    definitions: known.definitions(posted.file, line),
    tags: known.tags(),
    sigma: !/^taxonomy:\s*spoor\s*$/m.test(posted.text),
  });
  known.close(posted.file);
  return {
    start: cursor.start,
    items: suggestions
      .slice(0, SUGGESTIONS_MAX)
      .map(({ label, kind, detail, insert = label }) => ({ label, kind, detail, insert })),
  };
}

function explain({ line, character, ...posted }: At): { text: string } {
  const known = workspaceFor(posted);
  const cursor = cursorAt(posted.text, line, character);
  const text = hover(cursor, character - cursor.start, known.definitions(posted.file, line)) ?? '';
  known.close(posted.file);
  return { text };
}

answerParent({ check, test, complete: suggest, hover: explain });
