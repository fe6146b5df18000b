/** The worst rule that fired on each process: what drawings write beside it. */
import type { Alert } from '../alerts/alert.ts';
import { LEVELS, type Level } from '../rules/rule.ts';

export class Marks {
  readonly #worst = new Map<string, { readonly level: Level; readonly title: string }>();

  add({ process, rule }: Alert): void {
    if (process === null) return;
    const known = this.#worst.get(process.exec_id);
    if (known !== undefined && LEVELS.indexOf(known.level) >= LEVELS.indexOf(rule.level)) return;
    this.#worst.set(process.exec_id, { level: rule.level, title: rule.title });
  }

  /** exec_id → `critical: Reverse shell by a network tool`. */
  texts(): ReadonlyMap<string, string> {
    return new Map([...this.#worst].map(([id, { level, title }]) => [id, `${level}: ${title}`]));
  }
}
