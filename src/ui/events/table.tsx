/** Events as rows, of which only those in view are drawn. */
import { useVirtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, useRef } from 'react';
import { Link } from 'wouter';
import type { EventView } from '../../api/contract.ts';
import { baseName, clock, cut, visible } from '../text.ts';

const ROW_PX = 30;
const OVERSCAN = 12;
const CELL_CHARS = 200;

const KINDS: Readonly<Record<string, string>> = {
  process_exec: 'exec',
  process_exit: 'exit',
  process_kprobe: 'kprobe',
  process_lsm: 'lsm',
  process_tracepoint: 'tracepoint',
  process_uprobe: 'uprobe',
  process_usdt: 'usdt',
  process_loader: 'loader',
};

const TITLES: Readonly<Record<string, string>> = { pod: 'Pod', process: 'Process', what: 'What happened' };
const WIDTHS: Readonly<Record<string, string>> = {
  pod: 'minmax(10rem, 1.2fr)',
  process: 'minmax(8rem, 0.8fr)',
  what: 'minmax(14rem, 3fr)',
};

export const titleOf = (column: string): string => TITLES[column] ?? column;

function Cell({ event, column }: { readonly event: EventView; readonly column: string }) {
  if (column === 'pod') {
    return event.pod === null ? (
      <span className="quiet">{event.node === '' ? 'host' : visible(event.node)}</span>
    ) : (
      <Link href={`/pods/${event.pod}`}>{visible(event.pod)}</Link>
    );
  }
  if (column === 'process') {
    const { process, attribution } = event;
    if (process === null) return null;
    return (
      <>
        {visible(baseName(process.binary))} <span className="quiet">{process.pid}</span>
        {attribution === 'inferred' ? <span className="quiet"> inferred</span> : null}
      </>
    );
  }
  if (column === 'what') return visible(cut(event.what, CELL_CHARS));
  const value = event.fields[column];
  return value === undefined ? null : visible(cut(String(value), CELL_CHARS));
}

interface TableProps {
  readonly items: readonly EventView[];
  readonly columns: readonly string[];
  readonly chosen: string | null;
  readonly onChoose: (id: string) => void;
}

export function EventsTable({ items, columns, chosen, onChoose }: TableProps) {
  const scroll = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: items.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => ROW_PX,
    getItemKey: at => items[at]?.id ?? at,
    overscan: OVERSCAN,
  });
  const template = ['7.5rem', '6rem', ...columns.map(column => WIDTHS[column] ?? 'minmax(8rem, 1fr)')].join(' ');
  /** Arrows move between rows; the button of a row opens it. */
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    const row = event.target instanceof HTMLElement ? event.target.closest('[data-index]') : null;
    if (step === 0 || row === null) return;
    event.preventDefault();
    const next = Math.min(Math.max(Number(row.getAttribute('data-index')) + step, 0), items.length - 1);
    rows.scrollToIndex(next);
    requestAnimationFrame(() =>
      scroll.current?.querySelector<HTMLElement>(`[data-index="${next}"] button`)?.focus({ preventScroll: true }),
    );
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a table element cannot leave out the rows that are out of view.
    <div
      className="events"
      role="table"
      aria-label="Events"
      aria-rowcount={items.length + 1}
      ref={scroll}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard.
      tabIndex={0}
      onKeyDown={onKeyDown}
    >
      {/* biome-ignore lint/a11y/useSemanticElements: as above */}
      <div role="rowgroup" className="events-head">
        {/* biome-ignore lint/a11y/useSemanticElements: as above */}
        {/* biome-ignore lint/a11y/useFocusableInteractive: a row of headers does nothing */}
        <div role="row" className="events-row" style={{ gridTemplateColumns: template }} aria-rowindex={1}>
          {['Time', 'Kind', ...columns.map(titleOf)].map((title, at) => (
            // biome-ignore lint/a11y/useSemanticElements: as above
            // biome-ignore lint/a11y/useFocusableInteractive: it does nothing
            <div role="columnheader" key={columns[at - 2] ?? title}>
              {title}
            </div>
          ))}
        </div>
      </div>
      {/* biome-ignore lint/a11y/useSemanticElements: as above */}
      <div role="rowgroup" className="events-body" style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map(({ index, key, start }) => {
          const event = items[index];
          if (event === undefined) return null;
          return (
            // biome-ignore lint/a11y/useSemanticElements: as above
            // biome-ignore lint/a11y/useFocusableInteractive: the button in it takes the focus
            <div
              role="row"
              key={key}
              data-index={index}
              aria-rowindex={index + 2}
              className={`events-row${event.id === chosen ? ' chosen' : ''}${event.fields['flow.verdict'] === 'DROPPED' ? ' dropped-event' : ''}`}
              style={{ gridTemplateColumns: template, height: ROW_PX, transform: `translateY(${start}px)` }}
            >
              {/* biome-ignore lint/a11y/useSemanticElements: as above */}
              <div role="cell">
                <button
                  type="button"
                  className="link"
                  aria-expanded={event.id === chosen}
                  onClick={() => onChoose(event.id)}
                >
                  {clock(event.time)}
                </button>
              </div>
              {/* biome-ignore lint/a11y/useSemanticElements: as above */}
              <div role="cell">{KINDS[event.kind] ?? event.kind.replace('_', ' ')}</div>
              {columns.map(column => (
                // biome-ignore lint/a11y/useSemanticElements: as above
                <div role="cell" key={column}>
                  <Cell event={event} column={column} />
                </div>
              ))}
            </div>
          );
        })}
      </div>
    </div>
  );
}
