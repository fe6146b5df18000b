/** Rules that somebody writes, read in helpers that live while they are asked: hostile YAML costs its own process time, and no more. */
import { randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Problem } from '../../api/problem.ts';
import type { RuleCheckView, RuleLab, RuleSuggestions, RuleTestView } from '../../api/rule-lab.ts';
import { fromTemplate, TEMPLATE_NAMES, templateDescription } from '../../authoring/templates.ts';
import { shippedRules } from '../../rule-files.ts';
import type { Rule } from '../../rules/rule.ts';
import { Helper, HelperEnded, HelperRefused, HelperTooSlow } from './helper.ts';

export interface RuleLabOptions {
  /** Rule files and folders of the configuration. */
  readonly paths: readonly string[];
  readonly rules: () => readonly Rule[];
  readonly limits?: Partial<RuleLabLimits>;
}

export interface RuleLabLimits {
  readonly checkMsMax: number;
  readonly testMsMax: number;
  readonly heapMbMax: number;
  readonly askedAtOnceMax: number;
  /** After the last question. */
  readonly idleMsMax: number;
}

const LIMITS: RuleLabLimits = {
  checkMsMax: 10_000,
  testMsMax: 30_000,
  heapMbMax: 512,
  askedAtOnceMax: 16,
  idleMsMax: 5 * 60_000,
};

/** One helper, begun when it is first needed, and again after it was ended. */
class Desk {
  readonly #limits: RuleLabLimits;
  #helper: Helper | null = null;
  #asked = 0;
  #idle: NodeJS.Timeout | null = null;

  constructor(limits: RuleLabLimits) {
    this.#limits = limits;
  }

  async ask(what: string, given: unknown, msMax: number): Promise<unknown> {
    if (this.#asked >= this.#limits.askedAtOnceMax)
      throw new Problem(429, 'busy', 'too many rules are being read right now: try again in a moment', {
        headers: { 'retry-after': '2' },
      });
    if (this.#idle !== null) clearTimeout(this.#idle);
    if (this.#helper === null || this.#helper.isOver)
      this.#helper = new Helper({ module: 'rules-child', memoryMbMax: this.#limits.heapMbMax });
    this.#asked += 1;
    try {
      return await this.#helper.ask(what, given, msMax);
    } catch (error) {
      throw asProblem(error);
    } finally {
      this.#asked -= 1;
      this.#idle = setTimeout(() => void this.end(), this.#limits.idleMsMax);
      this.#idle.unref();
    }
  }

  async end(): Promise<void> {
    if (this.#idle !== null) clearTimeout(this.#idle);
    await this.#helper?.end();
  }
}

function asProblem(error: unknown): unknown {
  if (error instanceof HelperTooSlow)
    return new Problem(
      422,
      'too-slow',
      `the rule took too long to read (${error.message}): make it smaller, or use spoor rules lint`,
    );
  if (error instanceof HelperEnded)
    return new Problem(
      422,
      'too-large',
      `the rule could not be read, ${error.message}: make it smaller, or use spoor rules lint`,
    );
  if (error instanceof HelperRefused)
    return new Problem(error.failure.status, error.failure.code, error.failure.detail);
  return error;
}

export class ScratchRuleLab implements RuleLab {
  readonly #options: RuleLabOptions;
  readonly #limits: RuleLabLimits;
  /** Checks as somebody types do not wait for tests. */
  readonly #checks: Desk;
  readonly #tests: Desk;

  constructor(options: RuleLabOptions) {
    this.#options = options;
    this.#limits = { ...LIMITS, ...options.limits };
    this.#checks = new Desk(this.#limits);
    this.#tests = new Desk(this.#limits);
  }

  check(text: string, rule: string | null): Promise<RuleCheckView> {
    return this.#checks.ask('check', this.#posted(text, rule), this.#limits.checkMsMax) as Promise<RuleCheckView>;
  }

  test(text: string, rule: string | null): Promise<{ items: RuleTestView[] }> {
    const results = this.#tests.ask('test', this.#posted(text, rule), this.#limits.testMsMax);
    return results as Promise<{ items: RuleTestView[] }>;
  }

  complete(text: string, line: number, character: number): Promise<RuleSuggestions> {
    const given = { ...this.#posted(text, null), line, character };
    return this.#checks.ask('complete', given, this.#limits.checkMsMax) as Promise<RuleSuggestions>;
  }

  hover(text: string, line: number, character: number): Promise<{ text: string }> {
    const given = { ...this.#posted(text, null), line, character };
    return this.#checks.ask('hover', given, this.#limits.checkMsMax) as Promise<{ text: string }>;
  }

  templates(author: string) {
    const date = new Date().toISOString().slice(0, 10);
    const items = TEMPLATE_NAMES.map(name => ({
      name,
      description: templateDescription(name),
      text: fromTemplate(name, { id: randomUUID(), date, author }) ?? '',
    }));
    return { items };
  }

  async close(): Promise<void> {
    await Promise.all([this.#checks.end(), this.#tests.end()]);
  }

  /** Beside the rule's file, else in the folder for rules: paths in tests are relative to it. */
  #posted(text: string, rule: string | null) {
    const { paths, rules } = this.#options;
    const known = rule === null ? undefined : rules().find(({ id }) => id === rule);
    const folders = paths.filter(path => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true);
    const folder = known === undefined ? (folders[0] ?? join(shippedRules(), 'new')) : dirname(known.file);
    return { text, file: join(folder, 'posted.yaml'), folders: paths };
  }
}
