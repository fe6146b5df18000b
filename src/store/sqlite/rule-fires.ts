/** How often rules fired, from indices alone where everything may be seen. */
import type { RuleFires, RuleHour, Scope } from '../store.ts';
import type { Db } from './db.ts';
import { Filter } from './paging.ts';
import { alertScope } from './rows.ts';

export function ruleFires(db: Db, scope: Scope): RuleFires[] {
  const filter = alertScope(new Filter(), scope);
  return db.all<RuleFires>(
    `SELECT r.id AS rule, sum(g.alerts) AS alerts, max(g.last) AS last FROM rules r JOIN
       (SELECT a.rule, count(*) AS alerts, max(a.time) AS last FROM alerts a ${filter.where} GROUP BY a.rule) g ON g.rule = r.n
     GROUP BY r.id ORDER BY r.id`,
    ...filter.values,
  );
}

export function ruleHours(db: Db, since: string, scope: Scope): RuleHour[] {
  const filter = alertScope(new Filter().add('a.time >= ?', since), scope);
  return db.all<RuleHour>(
    `SELECT r.id AS rule, g.hour, sum(g.alerts) AS alerts FROM rules r JOIN
       (SELECT a.rule, substr(a.time, 1, 13) AS hour, count(*) AS alerts FROM alerts a ${filter.where} GROUP BY a.rule, hour) g
         ON g.rule = r.n
     GROUP BY r.id, g.hour`,
    ...filter.values,
  );
}
