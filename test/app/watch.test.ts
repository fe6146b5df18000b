import { expect, it } from 'vitest';
import { unreadableFiles } from '../../src/app/files.ts';
import { unreadyReasons } from '../../src/app/status.ts';
import { HealthWatch } from '../../src/app/watch.ts';
import { newCounters, type SourceStatus } from '../../src/sources/source.ts';

const fine = { ok: true, detail: '' };

const status = (change: Partial<SourceStatus>): SourceStatus => ({
  name: 'relay',
  type: 'hubble',
  state: 'connected',
  detail: 'relay:80',
  newest: null,
  counters: newCounters(),
  ...change,
});

function watched() {
  const said: string[] = [];
  const watch = new HealthWatch((level, message, fields) =>
    said.push(`${level} ${message}${fields?.source === undefined ? '' : ` (${fields.source})`}`),
  );
  return { said, look: (change: Partial<SourceStatus>, store = fine) => watch.look([status(change)], store) };
}

it('tells when a source breaks and when it works again, once each', () => {
  const { said, look } = watched();
  for (const state of ['starting', 'connected', 'connected', 'waiting', 'waiting', 'connected'] as const)
    look({ state });
  expect(said).toEqual([
    'info a source works (relay)',
    'warn a source is not connected; it is tried again (relay)',
    'info a source works again (relay)',
  ]);
});

it('tells of a source that never connects, and not of a file that is not there yet', () => {
  const { said, look } = watched();
  for (let n = 0; n < 30; n++) look({ state: 'starting' });
  expect(said).toEqual(['warn a source has not connected yet (relay)']);
  look({ name: 'tail', type: 'file', state: 'waiting' });
  expect(said[1]).toBe('info a source waits for its file (tail)');
});

it('tells of losses at once, and then not for each of a flood', () => {
  const { said, look } = watched();
  for (let n = 0; n < 50; n++) look({ counters: { ...newCounters(), lost: n } });
  expect(said.filter(text => text.startsWith('warn'))).toHaveLength(1);
  for (let n = 50; n < 100; n++) look({ counters: { ...newCounters(), lost: n } });
  expect(said.filter(text => text.startsWith('warn'))).toHaveLength(2);
});

it('tells when the store cannot write and when it can again', () => {
  const { said, look } = watched();
  look({});
  look({}, { ok: false, detail: 'disk full' });
  look({}, { ok: false, detail: 'disk full' });
  look({});
  expect(said.slice(1)).toEqual([
    'error the store cannot be written; alerts wait in memory',
    'info the store can be written again',
  ]);
});

it('is ready while one live source works', () => {
  const of = (...states: SourceStatus['state'][]) =>
    unreadyReasons(
      { ok: true, detail: '', bytes: 0 },
      states.map(state => ({ status: () => status({ state }) })),
    );
  expect(of('connected', 'waiting')).toEqual([]);
  expect(of('waiting', 'starting')).toHaveLength(2);
  expect(of('connected', 'failed')).toEqual(['source relay cannot work: relay:80']);
  expect(of()).toEqual([]);
});

it('names the key of a file that cannot be read', () => {
  expect(
    unreadableFiles({ sinks: { soc: { token_file: '/nowhere/token', url: 'x' } }, tls: { ca_file: null } }),
  ).toEqual([{ key: 'sinks.soc.token_file', problem: '/nowhere/token does not exist' }]);
});

it('tells once of a source that is ahead of this machine’s clock', () => {
  const { said, look } = watched();
  for (let n = 0; n < 3; n++) look({ state: 'connected', newest: (Date.now() + 86_400_000) * 1_000 });
  expect(said).toEqual([
    'info a source works (relay)',
    'warn a source is ahead of this machine: set the clock of this machine (relay)',
  ]);
});
