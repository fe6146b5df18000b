/**
 * The fold: one event in, the joined observation and what the rules made of it out. No clock, no I/O, no randomness: the same
 * events in the same order with the same rules give the same alerts with the same ids. `run`, `replay`, rule tests and programs
 * that embed Spoor all call `step`.
 */

import type { AlertChange } from './alerts/alert.ts';
import { Alerting, type AlertingOptions } from './alerts/alerting.ts';
import { Context } from './context/context.ts';
import { Detector, type RuleTiming } from './detection/detector.ts';
import type { SavedRule } from './detection/rule-state.ts';
import type { Event } from './model/event.ts';
import type { Observation } from './model/observation.ts';
import type { Micros } from './model/time.ts';
import type { Rule } from './rules/rule.ts';

export interface EngineOptions {
  readonly rules: readonly Rule[];
  readonly alerting?: AlertingOptions;
  /** To tell what each rule costs. No alert depends on it. */
  readonly timing?: RuleTiming;
  /** To add connections up to a service map, `context.serviceMap`. No alert depends on it. */
  readonly serviceMap?: boolean;
}

export interface Step {
  readonly observation: Observation;
  /** Shared and empty when nothing fired. */
  readonly changes: readonly AlertChange[];
}

const SCORES = 'memory.scores';
const RULE_MEMORY = 'memory.rule.';

const NOTHING: readonly AlertChange[] = [];

export class Engine {
  readonly context: Context;
  readonly detector: Detector;
  readonly alerting: Alerting;

  constructor(options: EngineOptions) {
    this.context = new Context({ serviceMap: options.serviceMap === true });
    this.detector = new Detector(options.rules, options.timing === undefined ? {} : { timing: options.timing });
    this.alerting = new Alerting(options.alerting);
  }

  /** Events must come in event-time order (see `context/order.ts`); a late one is folded in where it comes. */
  step(event: Event): Step {
    const observation = this.context.observe(event);
    const { loss } = this.context;
    const amended = loss === null ? NOTHING : this.alerting.amend(loss);
    const findings = this.detector.step(observation);
    if (findings.length === 0) return { observation, changes: amended };
    const gaps = this.context.gaps();
    return { observation, changes: [...amended, ...findings.flatMap(finding => this.alerting.accept(finding, gaps))] };
  }

  /** Goes through an event whose findings are stored already: what is known and what is pending come out as after `step`. */
  relive(event: Event): void {
    for (const finding of this.detector.step(this.context.observe(event))) this.alerting.relive(finding);
  }

  /**
   * What was learned and counted, as named texts that outlive a restart: those that changed since the last call. After the
   * restart at least the last `relived` of event time is lived through again.
   */
  memory(relived: Micros): Map<string, string> {
    const texts = new Map<string, string>();
    for (const [id, saved] of this.detector.save(relived)) texts.set(`${RULE_MEMORY}${id}`, JSON.stringify(saved));
    const scores = this.alerting.saveScores();
    if (scores !== null) texts.set(SCORES, JSON.stringify(scores));
    return texts;
  }

  /** Names that `memory` may have given. */
  memoryNames(): string[] {
    return [SCORES, ...this.detector.savable().map(id => `${RULE_MEMORY}${id}`)];
  }

  /** Before the first event. `before`: time of the first event that is lived through again. Throws for what is no memory. */
  remember(texts: ReadonlyMap<string, string>, before: Micros): void {
    const rules = new Map<string, SavedRule>();
    for (const [name, text] of texts) {
      if (name === SCORES) this.alerting.restoreScores(JSON.parse(text), before);
      else rules.set(name.slice(RULE_MEMORY.length), JSON.parse(text));
    }
    this.detector.restore(rules, before);
  }

  /** Takes effect with the next event; the state of rules whose content is unchanged is kept. */
  replaceRules(rules: readonly Rule[]): void {
    this.detector.replaceRules(rules);
  }
}
