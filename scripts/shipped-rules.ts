/** Reads the rules that ship ahead into the build, for quick starts. `node --import tsx scripts/shipped-rules.ts` */
import { writeFileSync } from 'node:fs';
import { readRuleFiles, shippedRules } from '../src/rule-files.ts';
import { shippedDocuments } from '../src/shipped-rules.ts';

writeFileSync(
  new URL('../dist/shipped-rules.json', import.meta.url),
  shippedDocuments(readRuleFiles([shippedRules()])),
);
