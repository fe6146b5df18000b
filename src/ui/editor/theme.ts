/** How the editor looks: the page's own colours reach into its shadow root. */
import { EditorView } from '@codemirror/view';

export const theme = EditorView.theme({
  '&': {
    backgroundColor: 'var(--surface)',
    color: 'var(--ink)',
    border: '1px solid var(--strong-line)',
    borderRadius: '6px',
    fontSize: '13px',
  },
  '&.cm-focused': { outline: '2px solid var(--accent)', outlineOffset: '1px' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.55', minHeight: '24rem', maxHeight: '70vh' },
  '.cm-content': { caretColor: 'var(--ink)' },
  '.cm-cursor': { borderLeftColor: 'var(--ink)' },
  '.cm-gutters': { backgroundColor: 'var(--raised)', color: 'var(--dim)', borderRight: '1px solid var(--line)' },
  '.cm-activeLine': { backgroundColor: 'color-mix(in srgb, var(--line) 35%, transparent)' },
  '&.cm-focused .cm-selectionBackground, .cm-selectionBackground': {
    backgroundColor: 'color-mix(in srgb, var(--accent) 25%, transparent)',
  },
  '.cm-tooltip': {
    backgroundColor: 'var(--surface)',
    color: 'var(--ink)',
    border: '1px solid var(--strong-line)',
    borderRadius: '6px',
    maxWidth: '32rem',
  },
  '.cm-tooltip-autocomplete ul li': { fontFamily: 'var(--mono)' },
  '.cm-tooltip-autocomplete ul li[aria-selected]': { backgroundColor: 'var(--ink)', color: 'var(--ground)' },
  // The editor's own marks are images in the style sheet, which the page's policy does not allow.
  '.cm-lintRange-error': {
    backgroundImage: 'none',
    textDecoration: 'underline wavy var(--critical)',
    textUnderlineOffset: '3px',
  },
  '.cm-lintRange-warning': {
    backgroundImage: 'none',
    textDecoration: 'underline wavy var(--medium)',
    textUnderlineOffset: '3px',
  },
  '.cm-lintRange-info, .cm-lintRange-hint': { backgroundImage: 'none' },
  '.cm-lint-marker': { width: '0.7em', height: '0.7em', margin: '0.4em 0.15em', borderRadius: '50%' },
  '.cm-lint-marker-error': { content: 'normal', backgroundColor: 'var(--critical)' },
  '.cm-lint-marker-warning': { content: 'normal', backgroundColor: 'var(--medium)', borderRadius: '0' },
  '.cm-lint-marker-info': { content: 'normal', backgroundColor: 'var(--dim)' },
  '.cm-diagnostic': { fontFamily: 'var(--sans)', color: 'var(--ink)' },
  '.explained': { padding: '0.4rem 0.6rem', fontFamily: 'var(--sans)' },
  '.explained p': { margin: '0 0 0.3rem' },
  '.explained code, .explained pre': { fontFamily: 'var(--mono)', whiteSpace: 'pre-wrap' },
});
