/**
 * CodeMirror for rules. It stands in a shadow root, where its styles are adopted style sheets: the page's policy allows no inline
 * ones. What could stand at the cursor, what is wrong and what a word means, the server says.
 */
import {
  autocompletion,
  type CompletionContext,
  type CompletionResult,
  closeBrackets,
  completionKeymap,
} from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { yaml } from '@codemirror/lang-yaml';
import { bracketMatching, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting } from '@codemirror/language';
import { type Diagnostic, linter, lintGutter, lintKeymap } from '@codemirror/lint';
import { Annotation, EditorState, type Text } from '@codemirror/state';
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  hoverTooltip,
  keymap,
  lineNumbers,
  type Tooltip,
} from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { useEffect, useRef } from 'react';
import type { RuleCheckView, RuleSuggestions } from '../../api/contract.ts';
import { post } from '../api.ts';
import { visible } from '../text.ts';
import { theme } from './theme.ts';

const LINT_AFTER_MS = 400;
const HOVER_AFTER_MS = 400;

const KINDS = { key: 'property', field: 'variable', modifier: 'keyword', value: 'enum', name: 'constant' } as const;

const highlighting = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--accent)' },
  { tag: tags.comment, color: 'var(--dim)', fontStyle: 'italic' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--good)' },
  { tag: [tags.bool, tags.number, tags.keyword, tags.null], color: 'var(--high)' },
  { tag: [tags.separator, tags.punctuation, tags.brace, tags.squareBracket], color: 'var(--dim)' },
]);

async function complete(context: CompletionContext): Promise<CompletionResult | null> {
  const line = context.state.doc.lineAt(context.pos);
  const typed = line.text.slice(0, context.pos - line.from);
  if (!context.explicit && !/[\w.|%]$/.test(typed)) return null;
  const text = context.state.doc.toString();
  const found = await post<RuleSuggestions>('/rules/complete', {
    text,
    line: line.number - 1,
    character: typed.length,
  }).catch(() => null);
  if (found === null || found.items.length === 0 || context.aborted) return null;
  return {
    from: line.from + found.start,
    options: found.items.map(({ label, kind, detail, insert }) => ({
      label,
      type: KINDS[kind],
      detail: '',
      info: detail === '' ? null : () => textNode(detail),
      apply: insert,
    })),
    validFor: /^[\w.|%*/-]*$/,
  } as CompletionResult;
}

function textNode(text: string): HTMLElement {
  const element = document.createElement('div');
  element.textContent = visible(text);
  return element;
}

/** Code spans and blocks of Markdown as elements; everything is text. */
function explained(markdown: string): HTMLElement {
  const whole = document.createElement('div');
  whole.className = 'explained';
  for (const paragraph of markdown.split('\n\n')) {
    const block = /^`{4}yaml\n([\s\S]*?)\n?`{4}$/.exec(paragraph);
    const element = document.createElement(block === null ? 'p' : 'pre');
    if (block !== null) element.textContent = block[1] ?? '';
    else
      for (const [at, part] of paragraph.split('`').entries()) {
        const span = document.createElement(at % 2 === 1 ? 'code' : 'span');
        span.textContent = visible(part);
        element.append(span);
      }
    whole.append(element);
  }
  return whole;
}

async function explain(view: EditorView, pos: number): Promise<Tooltip | null> {
  const line = view.state.doc.lineAt(pos);
  const { text } = await post<{ text: string }>('/rules/hover', {
    text: view.state.doc.toString(),
    line: line.number - 1,
    character: pos - line.from,
  }).catch(() => ({ text: '' }));
  return text === '' ? null : { pos, above: true, create: () => ({ dom: explained(text) }) };
}

function placed(
  doc: Text,
  { line, column, severity, message, hint, code }: RuleCheckView['diagnostics'][number],
): Diagnostic {
  const row = doc.line(Math.min(Math.max(line, 1), doc.lines));
  const from = Math.min(row.from + Math.max(column - 1, 0), row.to);
  const word = /^[^\s,:}\]]*/.exec(row.text.slice(from - row.from))?.[0] ?? '';
  return {
    from,
    to: word === '' ? row.to : from + word.length,
    severity,
    source: code,
    message: visible(hint === '' ? message : `${message} (${hint})`),
  };
}

/** A change that did not come from the keyboard. */
const Given = Annotation.define<boolean>();

interface CodeProps {
  readonly text: string;
  /** Id of the rule that the text is a version of, or null. */
  readonly rule: string | null;
  readonly label: string;
  readonly onChange: (text: string) => void;
  readonly onChecked: (check: RuleCheckView) => void;
}

export default function Code(props: CodeProps) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const held = useRef(props);
  held.current = props;
  useEffect(() => {
    const element = host.current;
    if (element === null) return;
    const root = element.shadowRoot ?? element.attachShadow({ mode: 'open' });
    const editor = new EditorView({
      root,
      parent: root,
      state: EditorState.create({ doc: held.current.text, extensions: extensions(() => held.current) }),
    });
    view.current = editor;
    return () => editor.destroy();
  }, []);
  useEffect(() => {
    const editor = view.current;
    if (editor === null || editor.state.doc.toString() === props.text) return;
    editor.dispatch({
      changes: { from: 0, to: editor.state.doc.length, insert: props.text },
      annotations: Given.of(true),
    });
  }, [props.text]);
  return <div className="code-host" ref={host} />;
}

function extensions(props: () => CodeProps) {
  return [
    lineNumbers(),
    lintGutter(),
    history(),
    drawSelection(),
    highlightActiveLine(),
    indentUnit.of('  '),
    indentOnInput(),
    bracketMatching(),
    closeBrackets(),
    yaml(),
    syntaxHighlighting(highlighting),
    autocompletion({ override: [complete], icons: false }),
    hoverTooltip(explain, { hoverTime: HOVER_AFTER_MS }),
    linter(
      async ({ state }) => {
        const text = state.doc.toString();
        if (text.trim() === '') return [];
        const { rule, onChecked } = props();
        const checked = await post<RuleCheckView>('/rules/check', { text, rule }).catch(() => null);
        if (checked === null) return [];
        onChecked(checked);
        return checked.diagnostics.map(diagnostic => placed(state.doc, diagnostic));
      },
      { delay: LINT_AFTER_MS },
    ),
    // Escape gives the Tab key back to the page, until something else is typed.
    keymap.of([...completionKeymap, ...lintKeymap, ...historyKeymap, ...defaultKeymap, leave, indentWithTab]),
    // Also where it scrolls, the keyboard reaches it.
    EditorView.contentAttributes.of({ 'aria-label': props().label, tabindex: '0' }),
    EditorView.updateListener.of(update => {
      const isOurs = update.transactions.some(transaction => transaction.annotation(Given) === true);
      if (update.docChanged && !isOurs) props().onChange(update.state.doc.toString());
    }),
    theme,
  ];
}

/** The element after the editor that takes the focus. */
const leave = {
  key: 'Escape',
  run: (view: EditorView): boolean => {
    const root = view.root as ShadowRoot;
    const next = root.host.parentElement?.querySelector<HTMLElement>('[data-after-editor]');
    next?.focus();
    return next !== null && next !== undefined;
  },
};
