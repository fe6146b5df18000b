/** What tests inside rules may read while a running program proves something: recordings that do not hold up everything else. */
import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { testOptions } from '../commands/rule-set.ts';
import type { RuleTestOptions } from '../rule-tests/run.ts';

const CAPTURE_BYTES_MAX = 2 * 1024 * 1024;

export function smallCaptures(): RuleTestOptions {
  const options = testOptions();
  return {
    ...options,
    readCapture(path, file) {
      const { size } = statSync(join(dirname(file), path));
      if (size > CAPTURE_BYTES_MAX)
        throw new Error(`${path} is larger than ${CAPTURE_BYTES_MAX} bytes: run this test with spoor rules test`);
      return options.readCapture(path, file);
    },
  };
}
