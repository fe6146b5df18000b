/** Gaps over a restart: what was reported before is part of what comes, and is not counted again. */
import { expect, it } from 'vitest';
import { Context } from '../../src/context/context.ts';
import { lostEvents } from '../support/events.ts';

const SECOND = 1_000_000;
const lost = (second: number, count: number) =>
  lostEvents({ time: second * SECOND, from: second * SECOND, to: second * SECOND, count });

it('a gap whose beginning has left the log goes on as one, with what is lived through again counted once', () => {
  const first = new Context();
  for (const fact of [lost(0, 100), lost(5, 20), lost(12, 3)]) first.observe(fact);
  const [stored] = first.gaps();
  expect(stored).toMatchObject({ count: 123 });

  const second = new Context();
  const relived = second.restoreGaps(first.gaps());
  for (const fact of [lost(5, 20), lost(12, 3)]) second.observe(fact);
  expect(second.loss?.gap).toEqual(stored);
  // Reported before the restart, and not stored then.
  second.observe(lost(14, 1));
  relived();
  second.observe(lost(14, 2));
  expect(second.gaps()).toEqual([{ ...stored, count: 126, to: second.gaps()[0]?.to }]);
  expect(second.takeChangedGaps()).toEqual(second.gaps());
});

it('gaps of long ago stay as they are', () => {
  const first = new Context();
  for (let i = 0; i < 40; i++) first.observe(lost(i * 60, 1));
  const second = new Context();
  const relived = second.restoreGaps(first.gaps());
  for (let i = 0; i < 40; i++) second.observe(lost(i * 60, 1));
  relived();
  expect(second.gaps()).toEqual(first.gaps());
  second.observe(lost(10_000, 1));
  expect(second.gaps()).toHaveLength(41);
});
