/** One field that finds pages, incidents, pods and rules. */
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useLocation } from 'wouter';
import type { Incident, Page, RuleRecord } from '../api/contract.ts';
import { get, query } from './api.ts';
import { PAGES } from './pages.tsx';
import { visible } from './text.ts';
import { Dialog } from './widgets.tsx';

interface Found {
  readonly href: string;
  readonly kind: string;
  readonly title: string;
}

const FOUND_MAX = 12;

const POD = /^[a-z0-9][-a-z0-9]*\/[a-z0-9][-a-z0-9.]*$/;

function candidates(text: string, incidents: readonly Incident[], rules: readonly RuleRecord[]): Found[] {
  const pods = new Set(incidents.flatMap(incident => incident.pods));
  if (POD.test(text)) pods.add(text);
  return [
    ...PAGES.map(({ href, title }): Found => ({ href, kind: 'page', title })),
    ...incidents.map(({ id, title }): Found => ({ href: `/incidents/${id}`, kind: 'incident', title: visible(title) })),
    ...[...pods].map((pod): Found => ({ href: `/pods/${pod}`, kind: 'pod', title: pod })),
    ...rules.map(({ id, title }): Found => ({ href: `/rules${query({ rule: id })}`, kind: 'rule', title })),
  ];
}

export function Finder({ onClose }: { readonly onClose: () => void }) {
  const [text, setText] = useState('');
  const [chosen, setChosen] = useState(0);
  const [, navigate] = useLocation();
  const incidents = useQuery({
    queryKey: ['incidents', 'finder'],
    queryFn: () => get<Page<Incident>>(`/incidents${query({ limit: 200 })}`),
  });
  const rules = useQuery({ queryKey: ['rules'], queryFn: () => get<{ items: RuleRecord[] }>('/rules') });
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = candidates(text.trim(), incidents.data?.items ?? [], rules.data?.items ?? [])
    .filter(({ title, href }) => words.every(word => `${title} ${href}`.toLowerCase().includes(word)))
    .slice(0, FOUND_MAX);
  const place = Math.min(chosen, found.length - 1);
  const open = (at: number): void => {
    const target = found[at];
    if (target === undefined) return;
    onClose();
    navigate(target.href);
  };
  const go = (event: FormEvent): void => {
    event.preventDefault();
    open(place);
  };
  return (
    <Dialog label="Find" onClose={onClose}>
      <form className="finder" onSubmit={go}>
        <input
          autoFocus
          type="search"
          role="combobox"
          aria-expanded={found.length > 0}
          aria-controls="found"
          aria-activedescendant={found.length === 0 ? undefined : `found-${place}`}
          aria-label="Find a page, an incident, a pod or a rule"
          placeholder="An incident, a rule, a page, or namespace/pod"
          value={text}
          onChange={event => {
            setText(event.target.value);
            setChosen(0);
          }}
          onKeyDown={event => {
            // A field of searches would take it to empty itself.
            if (event.key === 'Escape') {
              event.preventDefault();
              onClose();
              return;
            }
            const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
            if (step === 0) return;
            event.preventDefault();
            setChosen((place + step + found.length) % Math.max(found.length, 1));
          }}
        />
        {/* biome-ignore lint/a11y/useKeyWithClickEvents: the field above has the keys. */}
        <div
          role="listbox"
          id="found"
          aria-label="Found"
          onClick={event => {
            const at = (event.target as Element).closest('[role="option"]')?.id.slice('found-'.length);
            if (at !== undefined) open(Number(at));
          }}
        >
          {found.map(({ href, kind, title }, at) => (
            <div key={`${kind} ${href}`} id={`found-${at}`} role="option" tabIndex={-1} aria-selected={at === place}>
              <span className="quiet">{kind}</span> {title}
            </div>
          ))}
        </div>
        {found.length === 0 ? <p className="quiet">Nothing by that name.</p> : null}
      </form>
    </Dialog>
  );
}
