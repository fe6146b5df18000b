// `npm test`: formatting and lint, types, dead code, then every test. Ends with one line `N passed, N failed, N skipped`.
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));

let passed = 0;
let failed = 0;
let skipped = 0;

function check(name, file, args) {
  process.stdout.write(`\n── ${name}\n`);
  const result = spawnSync(process.execPath, [file, ...args], { stdio: 'inherit' });
  if (result.status === 0) passed += 1;
  else failed += 1;
}

check('format and lint', 'node_modules/@biomejs/biome/bin/biome', ['check', '--error-on-warnings', '.']);
check('types', 'node_modules/typescript/bin/tsc', ['-p', 'tsconfig.json']);
check('types of the page', 'node_modules/typescript/bin/tsc', ['-p', 'src/ui/tsconfig.json']);
check('dead code', 'node_modules/knip/bin/knip.js', []);

const report = 'test-results.json';
rmSync(report, { force: true });
process.stdout.write('\n── tests\n');
const tests = spawnSync(
  process.execPath,
  [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...process.argv.slice(2),
  ],
  { stdio: 'inherit', env: { ...process.env, TEST_BUILT_CLI: '1' } },
);
try {
  const summary = JSON.parse(readFileSync(report, 'utf8'));
  passed += summary.numPassedTests;
  failed += summary.numFailedTests;
  skipped += summary.numPendingTests + summary.numTodoTests;
  // A file that cannot even be loaded has no test that could fail.
  if (tests.status !== 0 && summary.numFailedTests === 0) failed += Math.max(1, summary.numFailedTestSuites);
  for (const file of summary.testResults) {
    for (const test of file.assertionResults) {
      if (test.status === 'skipped' || test.status === 'pending') process.stdout.write(`skipped: ${test.fullName}\n`);
    }
  }
} catch (error) {
  failed += 1;
  process.stdout.write(`no test report: ${error.message}\n`);
}
process.stdout.write(`\n${passed} passed, ${failed} failed, ${skipped} skipped\n`);
process.exit(failed === 0 ? 0 : 1);
