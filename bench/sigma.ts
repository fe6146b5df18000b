/**
 * A folder of Sigma rules as large as the public one: found, read and loaded. Most rules are for other products, as there; then
 * the same number with every rule for Linux. Prints `name value goal`.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { readRuleFiles } from '../src/rule-files.ts';
import { loadRules } from '../src/rules/load.ts';

const FILES = 4_000;
const GOAL_S = 3;
const ROUNDS = 3;

function ruleText(i: number, product: string): string {
  const id = `00000000-0000-4000-8000-${String(i).padStart(12, '0')}`;
  return `title: Unusual Use Of Tool ${i}
id: ${id}
related:
    - id: 00000000-0000-4000-8000-999999999999
      type: similar
status: test
description: |
    Detects the use of tool ${i} in a way that is rarely seen in ordinary administration.
    It is often the first step of something else.
references:
    - https://example.org/reports/${i}/what-the-tool-does-when-it-is-called-like-this
    - https://example.org/manuals/${i}
author: Somebody, Somebody Else
date: 2024-01-01
modified: 2025-01-01
tags:
    - attack.execution
    - attack.t1059.004
logsource:
    category: process_creation
    product: ${product}
detection:
    selection_image:
        Image|endswith:
            - '/tool${i}'
            - '/tool${i}.bin'
            - '/usr/local/bin/tool'
    selection_flags:
        CommandLine|contains|all:
            - ' --connect '
            - ' -${i} '
    filter_main_parent:
        ParentImage|endswith: '/cron'
    filter_optional_agent:
        - User: agent${i}
        - CurrentDirectory|startswith: '/opt/agent/'
    condition: all of selection_* and not 1 of filter_main_* and not 1 of filter_optional_*
falsepositives:
    - Legitimate administration activities
level: medium
`;
}

/** Seconds, the best of several rounds, and how many rules run. */
function measure(productOf: (i: number) => string): { seconds: number; rules: number } {
  const folder = mkdtempSync(join(tmpdir(), 'spoor-sigma-'));
  try {
    for (let i = 0; i < FILES; i++) {
      const product = productOf(i);
      const below = join(folder, product, `group${i % 20}`);
      mkdirSync(below, { recursive: true });
      writeFileSync(join(below, `rule_${i}.yml`), ruleText(i, product));
    }
    let seconds = Number.POSITIVE_INFINITY;
    let rules = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const start = performance.now();
      rules = loadRules(readRuleFiles([folder]), { tests: false }).rules.length;
      seconds = Math.min(seconds, (performance.now() - start) / 1_000);
    }
    return { seconds, rules };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const mixed = measure(i => (i % 10 === 0 ? 'linux' : i % 10 < 8 ? 'windows' : 'aws'));
console.log(`sigma: ${mixed.rules} of ${FILES} files run here`);
console.log(`sigma-load-4000-files-s ${mixed.seconds.toFixed(2)} ${GOAL_S}`);
const all = measure(() => 'linux');
console.log(`sigma-load-4000-linux-rules-s ${all.seconds.toFixed(2)} ${GOAL_S}`);
