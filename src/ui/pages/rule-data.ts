/** What is known of each rule, from three answers: what it is, what it did, what it can do here. */
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { CoverageView, RuleRecord, RuleStatistics } from '../../api/contract.ts';
import { get } from '../api.ts';

export interface RuleRow {
  /** Without what it counted where the caller sees some namespaces alone. */
  readonly rule: RuleRecord;
  /** Stored alerts. */
  readonly alerts: number;
  /** RFC 3339; null when it never fired. */
  readonly last: string | null;
  readonly hours: readonly number[];
  /** What it needs and is not seen here; null where that is not told. */
  readonly missing: readonly string[] | null;
}

const EVERY_MS = 15_000;

export const useCoverage = () =>
  useQuery({ queryKey: ['coverage'], queryFn: () => get<CoverageView>('/coverage'), refetchInterval: EVERY_MS });

export function useRules() {
  const rules = useQuery({
    queryKey: ['rules'],
    queryFn: () => get<{ items: RuleRecord[] }>('/rules'),
    refetchInterval: EVERY_MS,
  });
  const statistics = useQuery({
    queryKey: ['rule-statistics'],
    queryFn: () => get<RuleStatistics>('/rules/statistics'),
    refetchInterval: EVERY_MS,
    meta: { live: true },
  });
  const coverage = useCoverage();
  const rows = useMemo((): RuleRow[] | undefined => {
    if (rules.data === undefined) return undefined;
    const fires = new Map(statistics.data?.items.map(each => [each.rule, each]));
    const seen = new Map(coverage.data?.rules.map(each => [each.id, each.missing]));
    return rules.data.items.map(rule => {
      const own = fires.get(rule.id);
      return {
        rule,
        alerts: own?.alerts ?? 0,
        last: own?.last ?? null,
        hours: own?.hours ?? [],
        missing: seen.get(rule.id) ?? null,
      };
    });
  }, [rules.data, statistics.data, coverage.data]);
  return {
    rows: { data: rows, error: rules.error, refetch: rules.refetch },
    /** What could not be read beside the rules themselves. */
    problem: statistics.error ?? coverage.error,
    from: statistics.data?.from ?? null,
  };
}
