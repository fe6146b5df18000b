/** Why an alert fired: for each part of its rule the events that filled it, each condition with the value that met it. */
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { WhyView } from '../../api/contract.ts';
import { useCase } from '../case.tsx';
import { clock, count, visible } from '../text.ts';
import { Read } from '../widgets.tsx';
import './why.css';

/** Read when it is opened. */
export function Why({ alert, isOpen: atFirst = false }: { readonly alert: string; readonly isOpen?: boolean }) {
  const { get } = useCase();
  const [isOpen, setOpen] = useState(atFirst);
  const why = useQuery({
    queryKey: ['why', alert],
    queryFn: () => get<WhyView>(`/alerts/${alert}/why`),
    enabled: isOpen,
  });
  return (
    <details className="why" open={isOpen} onToggle={event => setOpen(event.currentTarget.open)}>
      <summary>Why it fired</summary>
      {isOpen ? (
        <Read of={why} what="explanation">
          {data => <Explained why={data} />}
        </Read>
      ) : null}
    </details>
  );
}

const STATES: Readonly<Record<WhyView['rule']['state'], string>> = {
  same: '',
  changed: 'The rule has changed since it fired: this is by the rule as it is now.',
  gone: 'The rule does not run any more, so that its conditions are not known here; the evidence below is what it saw.',
  built_in: 'No single rule: weak signs added up. What added to it stands above.',
  unknown: 'Too little of the evidence is left to tell whether the rule is still the one that fired.',
};

function Explained({ why: { rule, ties, parts } }: { readonly why: WhyView }) {
  const fell = parts.some(
    ({ role, events }) => (role === 'step' || role === 'rule') && events.some(({ holds }) => holds === false),
  );
  return (
    <>
      {STATES[rule.state] === '' ? null : <p className="note">{STATES[rule.state]}</p>}
      {rule.state === 'same' && fell ? (
        <p className="note">
          Where a condition is not met below, it was then: the rule also knew what came before, which an alert does not
          keep.
        </p>
      ) : null}
      {ties.map(tie => (
        <p key={tie}>{visible(tie)}</p>
      ))}
      <ol className="why-parts">
        {parts.map((part, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: parts of a rule may share a name; their order stays.
          <Part key={at} part={part} />
        ))}
      </ol>
    </>
  );
}

const ROLES = {
  rule: 'The rule',
  branch: 'Branch',
  step: 'Step',
  absent: 'Must not happen:',
  until: 'Would have ended it:',
} as const;

function Part({ part: { id, role, kinds, events, more } }: { readonly part: WhyView['parts'][number] }) {
  return (
    <li>
      <p className="why-part">
        {ROLES[role]} {role === 'rule' || role === 'until' ? '' : visible(id)}
      </p>
      {events.length === 0 ? (
        <p className="quiet">
          {role === 'absent' || role === 'until'
            ? 'It did not happen.'
            : `No event of ${kinds.join(', ')} is kept of it.`}
        </p>
      ) : null}
      {events.map(event => (
        <div key={event.event}>
          <p>
            {event.kind} at <time dateTime={event.time}>{clock(event.time)}</time>
            <span className="quiet">, evidence {event.event + 1}</span>
          </p>
          {event.holds === null ? (
            <p className="quiet">Unknown: the event is cut or cannot be read any more.</p>
          ) : (
            <Conditions conditions={event.conditions} more={event.more} />
          )}
        </div>
      ))}
      {more > 0 ? <p className="quiet">and {count(more, 'event')} more like these</p> : null}
    </li>
  );
}

type Condition = WhyView['parts'][number]['events'][number]['conditions'][number];

const MARKS = { true: '✓', false: '✗', unknown: '?' } as const;
const VERDICTS = { true: 'met', false: 'not met', unknown: 'unknown, not reported' } as const;
const DEPTH_MAX = 8;

function Conditions({ conditions, more }: { readonly conditions: readonly Condition[]; readonly more: number }) {
  return (
    <ul className="conditions">
      {conditions.map(({ depth, asks, verdict, value }, at) => (
        <li
          // biome-ignore lint/suspicious/noArrayIndexKey: the lines of a tree that never changes.
          key={at}
          className={`verdict-${verdict} depth-${Math.min(depth, DEPTH_MAX)}`}
        >
          <span className="verdict" aria-hidden="true">
            {MARKS[verdict]}
          </span>
          <span className="hidden">{VERDICTS[verdict]}: </span>
          <code>{visible(asks)}</code>
          {value === null ? (
            verdict === 'unknown' ? (
              <span className="quiet"> unknown: not reported</span>
            ) : null
          ) : (
            <>
              <span className="quiet"> is </span>
              <code className="met">{visible(value)}</code>
            </>
          )}
        </li>
      ))}
      {more > 0 ? <li className="quiet">and {count(more, 'condition')} more</li> : null}
    </ul>
  );
}
