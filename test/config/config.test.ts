import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { configDoc } from '../../scripts/config-doc.ts';
import { ConfigError } from '../../src/config/error.ts';
import { parseConfig } from '../../src/config/load.ts';

function problems(text: string, environment: Record<string, string> = {}): readonly string[] {
  try {
    parseConfig(text, 'spoor.yaml', environment);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

describe('configuration', () => {
  it('is whole by its defaults', () => {
    expect(parseConfig('', 'spoor.yaml')).toMatchObject({
      sources: [],
      rules: { defaults: true, watch: true },
      store: { path: './data/spoor.db', retention: { days: 30, size: 2 * 1024 ** 3 } },
      detection: { lateness: 2_000, suppress: 300_000, incident_window: 1_800_000 },
      api: { listen: '127.0.0.1:8787' },
    });
  });

  it('names the place of a wrong key and the nearest right one', () => {
    expect(problems('detection:\n  latenes: 2s\n')).toEqual([
      "spoor.yaml:2:12: unknown key 'detection.latenes'; did you mean 'lateness'?",
    ]);
    expect(problems('sources:\n- {type: hubble, adress: x}\n').join('\n')).toContain("did you mean 'address'?");
    expect(problems('detection: {lateness: fast}')).toEqual([
      expect.stringMatching(/^spoor\.yaml:1:23: detection\.lateness: .*500ms/),
    ]);
    expect(problems('sinks: {a: {type: slak}}')[0]).toMatch(/^spoor\.yaml:1:\d+: sinks\.a\.type/);
  });

  it('says in plain words what was expected', () => {
    const said: Readonly<Record<string, RegExp>> = {
      'sources: [{type: tetragn, address: x}]':
        /sources\.0\.type: expected one of tetragon, .*did you mean 'tetragon'\?$/,
      'sources: [{address: x}]': /sources\.0\.type: is missing: one of tetragon, hubble/,
      'sources: [{type: hubble}]': /sources\.0\.address: is missing$/,
      'sources: 5': /sources: expected a list$/,
      'sources: [{type: capture, path: x, speed: fast}]': /speed: expected one of max, or a number$/,
      'detection: {lateness: 5}': /detection\.lateness: expected text with its unit .* 5s/,
      'store: {retention: {days: -1}}': /days: must be above 0$/,
      'rules: {watch: "yes"}': /rules\.watch: expected true or false$/,
      'rules: {paths: [""]}': /rules\.paths\.0: must not be empty$/,
      'log: {level: inof}': /log\.level: expected one of trace, .*did you mean 'info'\?$/,
      'api: {public_url: nope}': /expected an address such as https:/,
      'sinks: {"so c": {type: stdout}}': /sinks\.so c: a name begins with a letter/,
    };
    for (const [text, expected] of Object.entries(said)) {
      expect(problems(text)).toEqual([expect.stringMatching(expected)]);
      expect(problems(text)[0]).not.toMatch(/Invalid|received|Too small/);
    }
  });

  it('names the variable where the environment is wrong', () => {
    expect(problems('', { SPOOR_DETECTION_LATENESS: '5' })).toEqual([
      expect.stringMatching(
        /^environment SPOOR_DETECTION_LATENESS: detection\.lateness: expected a number with a unit/,
      ),
    ]);
    expect(problems('', { SPOOR_API_ADMIN_TOKEN: 'short' })).toEqual([
      'environment SPOOR_API_ADMIN_TOKEN: api.admin_token: must have at least 16 characters',
    ]);
  });

  it('takes a whole sink from the environment', () => {
    const { sinks } = parseConfig('', 'environment', {
      SPOOR_SINKS_NIGHT_SHIFT_TYPE: 'slack',
      SPOOR_SINKS_NIGHT_SHIFT_WEBHOOK_URL: 'https://example.org/hook',
    });
    expect(sinks).toMatchObject({ night_shift: { type: 'slack', webhook_url: 'https://example.org/hook' } });
  });

  it('survives what is no configuration at all', () => {
    expect(problems('[1, 2')[0]).toMatch(/^spoor\.yaml:1:\d+: /);
    expect(problems('- a\n- b')).toEqual(['spoor.yaml:1:1: expected a map of settings']);
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${Array.from({ length: 9 }, (_, i) => `${'bcdefghij'[i]}: &${'bcdefghij'[i]} [${`*${'abcdefghi'[i]},`.repeat(9)}]`).join('\n')}`;
    expect(problems(bomb).length).toBeGreaterThan(0);
  });

  it('takes every key from the environment, which wins', () => {
    const config = parseConfig(
      "api: {listen: '127.0.0.1:1'}\nsinks: {my_hook: {type: webhook, url: 'https://example.org'}}",
      'spoor.yaml',
      {
        SPOOR_API_LISTEN: '127.0.0.1:2',
        SPOOR_DETECTION_INCIDENT_WINDOW: '1h',
        SPOOR_STORE_RETENTION_DAYS: '7',
        SPOOR_RULES_PATHS: '[./a, ./b]',
        SPOOR_SOURCES: '[{type: ingest}]',
        SPOOR_SINKS_MY_HOOK_SECRET: 'whsec_MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0',
        HOME: '/nowhere',
      },
    );
    expect(config).toMatchObject({
      api: { listen: '127.0.0.1:2' },
      detection: { incident_window: 3_600_000 },
      store: { retention: { days: 7 } },
      rules: { paths: ['./a', './b'] },
      sources: [{ type: 'ingest' }],
      sinks: { my_hook: { secret: 'whsec_MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0' } },
    });
    expect(problems('', { SPOOR_API_LISEN: 'x' })).toEqual([
      expect.stringContaining('SPOOR_API_LISEN names no setting'),
    ]);
  });

  it('never prints a value: it may be a secret', () => {
    const secret = 'xoxb-very-secret';
    expect(problems(`sinks: {a: {type: slack, webhook_url: ['${secret}']}}`).join('\n')).not.toContain(secret);
    expect(problems(`sinks: {a: {type: pagerduty, routing_key: {x: '${secret}'}}}`).join('\n')).not.toContain(secret);
    expect(problems(`sinks:\n  a: {type: slack, webhook_url: *${secret} }`)).toEqual([
      'spoor.yaml:2:33: an alias that names no anchor before it; a text that begins with * needs quotes',
    ]);
  });

  it('is documented as it is', () => {
    expect(readFileSync('docs/config.md', 'utf8'), 'run npx tsx scripts/config-doc.ts').toBe(configDoc());
  });
});
