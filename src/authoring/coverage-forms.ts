/** Coverage as a Markdown table, and as a layer of the ATT&CK Navigator. */
import { byTactic, type RuleCoverage } from './coverage.ts';

const canFire = ({ missing }: RuleCoverage): boolean => missing === null || missing.length === 0;

/** Rules by technique, techniques in their order. */
function byTechnique(coverage: readonly RuleCoverage[]): [technique: string, rules: RuleCoverage[]][] {
  const map = new Map<string, RuleCoverage[]>();
  for (const row of coverage)
    for (const technique of row.techniques) map.set(technique, [...(map.get(technique) ?? []), row]);
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1));
}

const cell = (text: string): string => text.replace(/[|\\<>[\]*_`]/g, '\\$&').replace(/\s+/g, ' ');
const title = (tactic: string): string => {
  const words = tactic.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
};

/** Rules under their tactics; those with none last. */
export function coverageMarkdown(coverage: readonly RuleCoverage[]): string {
  const known = coverage.some(({ missing }) => missing !== null);
  const lines: string[] = [
    `| tactic | technique | rules |${known ? ' can fire |' : ''}`,
    `| --- | --- | --- |${known ? ' --- |' : ''}`,
  ];
  for (const { tactic, rows } of byTactic(coverage)) {
    for (const [technique, rules] of byTechnique(rows)) {
      const link = `[${technique}](https://attack.mitre.org/techniques/${technique.replace('.', '/')}/)`;
      const names = rules.map(({ rule }) => cell(rule.title)).join('; ');
      const count = known ? ` ${rules.filter(canFire).length} |` : '';
      lines.push(`| ${tactic === '' ? '–' : title(tactic)} | ${link} | ${rules.length}: ${names} |${count}`);
    }
  }
  const silent = coverage.filter(row => !canFire(row));
  if (silent.length > 0) {
    lines.push('', '| cannot fire | not seen |', '| --- | --- |');
    for (const { rule, missing } of silent) lines.push(`| ${cell(rule.title)} | ${cell((missing ?? []).join('; '))} |`);
  }
  return lines.join('\n');
}

const COVERED = '#8ec843';
const SILENT = '#ff9f43';

/**
 * A layer in format 4.5 for the Enterprise domain, on the platforms of containers. The score is the number of rules that can
 * fire; a technique whose rules all cannot is marked in a colour of its own.
 */
export function navigatorLayer(coverage: readonly RuleCoverage[], name: string): unknown {
  const rows = byTechnique(coverage);
  const parents = new Set(rows.map(([id]) => id.split('.')[0] as string));
  const own = new Set(rows.map(([id]) => id));
  const techniques = rows.map(([techniqueID, rules]) => {
    const firing = rules.filter(canFire);
    const silent = rules.filter(row => !canFire(row));
    const comment = [
      ...firing.map(({ rule }) => `${rule.level}: ${rule.title}`),
      ...silent.map(({ rule, missing }) => `cannot fire: ${rule.title} (not seen: ${(missing ?? []).join(', ')})`),
    ].join('\n');
    return {
      techniqueID,
      ...(firing.length === 0 ? { color: SILENT } : {}),
      score: firing.length,
      comment,
      enabled: true,
      metadata: rules.map(({ rule }) => ({ name: 'rule', value: rule.id })),
      showSubtechniques: parents.has(techniqueID),
    };
  });
  // A covered sub-technique is seen only below its opened parent.
  const opened = [...parents]
    .filter(id => !own.has(id))
    .map(techniqueID => ({ techniqueID, enabled: true, showSubtechniques: true }));
  return {
    name,
    versions: { navigator: '5.1.0', layer: '4.5' },
    domain: 'enterprise-attack',
    description: `${coverage.length} rules of Spoor; the score is the number of rules for a technique that can fire.`,
    filters: { platforms: ['Linux', 'Containers'] },
    sorting: 3,
    layout: { layout: 'side', showID: true, showName: true, expandedSubtechniques: 'annotated' },
    hideDisabled: false,
    techniques: [...techniques, ...opened],
    gradient: {
      colors: ['#ffffff', COVERED],
      minValue: 0,
      maxValue: Math.max(1, ...rows.map(([, rules]) => rules.length)),
    },
    legendItems: [
      { label: 'rules that can fire', color: COVERED },
      { label: 'rules, but not with these sensors', color: SILENT },
    ],
    selectTechniquesAcrossTactics: true,
    selectSubtechniquesWithParent: false,
    selectVisibleTechniques: false,
  };
}
