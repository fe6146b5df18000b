/** What stands around every page: navigation, live state, the keys. */
import { useQueryClient } from '@tanstack/react-query';
import { Component, type ReactNode, Suspense, useEffect, useRef, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { remove } from './api.ts';
import { useCaller } from './caller.ts';
import { DropZone } from './drop/drop.tsx';
import { Finder } from './finder.tsx';
import { useLiveState } from './live.ts';
import { isAt, PAGES, PageOf } from './pages.tsx';
import { needSignIn, SignIn, useSignInNeeded } from './sign-in.tsx';
import { Dialog, Failure, Loading } from './widgets.tsx';

const LIVE_TEXT = { connecting: 'connecting', live: 'live', lost: 'connection lost, trying again' } as const;

/** Also inside a shadow root, whose events seem to come from its host. */
function isTyping(event: KeyboardEvent): boolean {
  const [target] = event.composedPath();
  return target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable]') !== null;
}

export function Shell() {
  return useSignInNeeded() ? <SignIn /> : <Pages />;
}

/** Who is signed in, and the way out. */
function Caller() {
  const session = useCaller();
  const client = useQueryClient();
  if (session.data?.signed_in !== true) return null;
  const signOut = async (): Promise<void> => {
    await remove('/session');
    client.clear();
    needSignIn(true);
  };
  return (
    <button type="button" onClick={() => void signOut()}>
      Sign out {session.data.name}
    </button>
  );
}

function Pages() {
  const [location, navigate] = useLocation();
  const live = useLiveState();
  const [isFinding, setFinding] = useState(false);
  const [isHelping, setHelping] = useState(false);
  const going = useRef(false);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if ((event.ctrlKey || event.metaKey) && event.key === 'k') {
        event.preventDefault();
        setFinding(true);
        return;
      }
      if (isTyping(event) || event.ctrlKey || event.metaKey || event.altKey) return;
      const page = going.current ? PAGES.find(({ key }) => key === event.key) : undefined;
      going.current = event.key === 'g';
      if (page !== undefined) {
        // Pages have keys of their own, which this one is not for.
        event.stopImmediatePropagation();
        navigate(page.href);
      } else if (event.key === '?') setHelping(true);
    };
    window.addEventListener('keydown', onKey, true);
    return () => window.removeEventListener('keydown', onKey, true);
  }, [navigate]);
  const main = useRef<HTMLElement>(null);
  const shown = useRef(location);
  useEffect(() => {
    if (shown.current === location) return;
    shown.current = location;
    // A new page is read from its beginning.
    window.scrollTo(0, 0);
    main.current?.focus({ preventScroll: true });
  }, [location]);

  return (
    <>
      <a className="skip" href="#main">
        Skip to content
      </a>
      <header className="top">
        <Link href="/" className="brand">
          <img src="/icon.svg" alt="" width={22} height={22} /> Spoor
        </Link>
        <Navigation location={location} />
        <span className="spring" />
        <button type="button" className="find" onClick={() => setFinding(true)}>
          Find <kbd>ctrl k</kbd>
        </button>
        <Caller />
        <span className={`live live-${live}`} role="status">
          {LIVE_TEXT[live]}
        </span>
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        <Boundary key={location}>
          <Suspense fallback={<Loading what="the page" />}>
            <PageOf />
          </Suspense>
        </Boundary>
      </main>
      <DropZone />
      {isFinding ? <Finder onClose={() => setFinding(false)} /> : null}
      {isHelping ? <Keys onClose={() => setHelping(false)} /> : null}
    </>
  );
}

/** What is looked at stands in a row; what is set up, behind one button. */
function Navigation({ location }: { readonly location: string }) {
  const more = useRef<HTMLDetailsElement>(null);
  const close = (): void => more.current?.removeAttribute('open');
  const link = ({ href, title }: (typeof PAGES)[number]): ReactNode => (
    <Link key={href} href={href} onClick={close} {...(isAt(location, href) ? { 'aria-current': 'page' as const } : {})}>
      {title}
    </Link>
  );
  const here = PAGES.find(page => page.more === true && isAt(location, page.href));
  return (
    <nav aria-label="Pages">
      <div className="nav-row">{PAGES.filter(page => page.more !== true).map(link)}</div>
      <details
        ref={more}
        className="more"
        onBlur={event => {
          if (!event.currentTarget.contains(event.relatedTarget)) close();
        }}
        onKeyDown={event => {
          if (event.key === 'Escape') close();
        }}
      >
        <summary className={here === undefined ? undefined : 'here'}>{here?.title ?? 'More'}</summary>
        <div>{PAGES.filter(page => page.more === true).map(link)}</div>
      </details>
    </nav>
  );
}

/** A page that fails leaves the others alone. */
class Boundary extends Component<{ readonly children: ReactNode }, { readonly error: Error | null }> {
  override state = { error: null as Error | null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    const { error } = this.state;
    if (error === null) return this.props.children;
    return <Failure error={error} what="page" onRetry={() => this.setState({ error: null })} />;
  }
}

const KEYS = [
  ['g then a letter', `a page: ${PAGES.map(({ key, title }) => `${key} ${title}`).join(', ')}`],
  ['ctrl k', 'find a page, an incident, a pod or a rule'],
  ['j k', 'next, previous incident'],
  ['enter', 'open it'],
  ['a r', 'acknowledge, resolve it'],
  ['↑ ↓ ← →', 'through the picture: rows, parents, children'],
  ['enter, esc', 'open and close the details of a process'],
  ['?', 'these keys'],
] as const;

function Keys({ onClose }: { readonly onClose: () => void }) {
  return (
    <Dialog label="Keys" onClose={onClose}>
      <h2>Keys</h2>
      <dl className="fields">
        {KEYS.map(([keys, what]) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <button type="button" onClick={onClose}>
        Close
      </button>
    </Dialog>
  );
}
