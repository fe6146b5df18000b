/** A narrow exception from an alert, with the proof that the rule still does its work. Rules are files: nothing is changed here. */
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { ExceptionView } from '../../api/contract.ts';
import { useCase } from '../case.tsx';
import { Copy } from '../forms.tsx';
import { save } from '../save.ts';
import { count, visible } from '../text.ts';
import { Read } from '../widgets.tsx';
import './why.css';

/** Asked for when it is opened: the rule's own tests are run for it. */
export function Exception({ alert }: { readonly alert: string }) {
  const { get } = useCase();
  const [isOpen, setOpen] = useState(false);
  const proposal = useQuery({
    queryKey: ['exception', alert],
    queryFn: () => get<ExceptionView>(`/alerts/${alert}/exception`),
    enabled: isOpen,
    refetchOnWindowFocus: false,
    staleTime: 60_000,
  });
  return (
    <details className="exception" open={isOpen} onToggle={event => setOpen(event.currentTarget.open)}>
      <summary>Make an exception</summary>
      {isOpen ? (
        <Read of={proposal} what="exception">
          {data => <Proposal proposal={data} alert={alert} />}
        </Read>
      ) : null}
    </details>
  );
}

const COMPARISONS: Readonly<Record<string, string>> = { '=': 'is', startswith: 'begins with', glob: 'looks like' };

function Proposal({ proposal, alert }: { readonly proposal: ExceptionView; readonly alert: string }) {
  const { reason, exception, proof, covers, rule } = proposal;
  if (exception === null || proof === null) return <p className="note">None can be made: {visible(reason)}.</p>;
  return (
    <>
      <p>The rule would stay quiet where all of this holds:</p>
      <ul className="conditions">
        {exception.conditions.map(({ field, comp, value }) => (
          <li key={field}>
            <code>{field}</code> <span className="quiet">{COMPARISONS[comp] ?? comp}</span>{' '}
            <code className="met">{visible(value)}</code>
          </li>
        ))}
      </ul>
      <p>
        Of {covers.more ? 'the newest ' : ''}
        {count(covers.of, 'alert')} of this rule that {covers.of === 1 ? 'is' : 'are'} kept, it would have prevented{' '}
        <strong>{covers.alerts.toLocaleString('en')}</strong>.
      </p>
      <ProofOf proof={proof} />
      <pre>{visible(exception.yaml).replaceAll('\\n', '\n')}</pre>
      <p className="buttons">
        <Copy text={exception.yaml} label="Copy" />
        <button
          type="button"
          onClick={() => save(new Blob([exception.yaml], { type: 'application/yaml' }), `${exception.name}.yaml`)}
        >
          Download
        </button>
      </p>
      <p className="quiet">
        It belongs into the rule, at {visible(rule.file)}:{rule.line}.{' '}
        <code>spoor rules except {alert.slice(0, 12)} --rules FOLDER --write</code> puts it there.
      </p>
    </>
  );
}

function ProofOf({ proof }: { readonly proof: NonNullable<ExceptionView['proof']> }) {
  const { holds, suppressed, tests, errors } = proof;
  const firing = tests.filter(({ fires }) => fires);
  return (
    <>
      <p>
        {holds ? 'Proved: ' : <strong className="problem">The proof does not hold: </strong>}
        {suppressed ? 'this alert’s event is suppressed' : 'this alert’s event still fires'},{' '}
        {firing.length === 0
          ? 'and the rule has no test that fires: nothing shows that it still does.'
          : `${firing.filter(({ after }) => after).length} of ${count(firing.length, 'test')} that must fire still ${firing.length === 1 ? 'does' : 'do'}.`}
      </p>
      {errors.map(error => (
        <p key={error} className="problem">
          {visible(error)}
        </p>
      ))}
      <details>
        <summary>The rule’s own tests, {tests.length}</summary>
        <ul className="conditions">
          {tests.map(({ name, fires, before, after, problems }) => (
            <li key={name} className={`verdict-${after}`}>
              <span className="verdict" aria-hidden="true">
                {after ? '✓' : '✗'}
              </span>
              <span className="hidden">{after ? 'passed' : 'failed'}: </span>
              {fires ? 'still fires' : 'still quiet'}: {visible(name)}
              {before ? '' : ' (failed before, too)'}
              {after ? null : <span className="problem"> {visible(problems.slice(0, 3).join('; '))}</span>}
            </li>
          ))}
        </ul>
      </details>
    </>
  );
}
