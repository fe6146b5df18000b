/** What stands around every page: navigation, live state, the keys. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Component, lazy, type ReactNode, Suspense, useEffect, useRef, useState } from 'react';
import { Link, Route, Switch, useLocation } from 'wouter';
import { get, remove } from './api.ts';
import { Finder } from './finder.tsx';
import { useLiveState } from './live.ts';
import { Overview } from './pages/overview.tsx';
import { needSignIn, SignIn, useSignInNeeded } from './sign-in.tsx';
import { Dialog, Failure, Loading } from './widgets.tsx';

const Incidents = lazy(() => import('./pages/incidents.tsx'));
const IncidentPage = lazy(() => import('./pages/incident.tsx'));
const Connections = lazy(() => import('./pages/connections.tsx'));
const Rules = lazy(() => import('./pages/rules.tsx'));
const Deliveries = lazy(() => import('./pages/deliveries.tsx'));
const PodPage = lazy(() => import('./pages/pod.tsx'));

const PAGES = [
  { href: '/', title: 'Overview', key: 'o' },
  { href: '/incidents', title: 'Incidents', key: 'i' },
  { href: '/connections', title: 'Connections', key: 'c' },
  { href: '/rules', title: 'Rules', key: 'r' },
  { href: '/deliveries', title: 'Deliveries', key: 'd' },
] as const;

const LIVE_TEXT = { connecting: 'connecting', live: 'live', lost: 'connection lost, trying again' } as const;

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable]') !== null;

export function Shell() {
  return useSignInNeeded() ? <SignIn /> : <Pages />;
}

/** Who is signed in, and the way out. */
function Caller() {
  const session = useQuery({
    queryKey: ['session'],
    queryFn: () => get<{ name: string; signed_in: boolean }>('/session'),
    staleTime: Number.POSITIVE_INFINITY,
  });
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
      if (isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
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
        <nav aria-label="Pages">
          {PAGES.map(({ href, title }) => {
            const here = href === '/' ? location === '/' : location.startsWith(href);
            return (
              <Link key={href} href={href} {...(here ? { 'aria-current': 'page' as const } : {})}>
                {title}
              </Link>
            );
          })}
        </nav>
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
            <Switch>
              <Route path="/" component={Overview} />
              <Route path="/incidents" component={Incidents} />
              <Route path="/incidents/:id">{({ id }) => <IncidentPage key={id} id={id} />}</Route>
              <Route path="/pods/:namespace/:name">
                {({ namespace, name }) => <PodPage namespace={namespace} name={name} />}
              </Route>
              <Route path="/connections" component={Connections} />
              <Route path="/rules" component={Rules} />
              <Route path="/deliveries" component={Deliveries} />
              <Route>
                <h1>There is no such page</h1>
                <p>
                  <Link href="/">Overview</Link>
                </p>
              </Route>
            </Switch>
          </Suspense>
        </Boundary>
      </main>
      {isFinding ? <Finder onClose={() => setFinding(false)} /> : null}
      {isHelping ? <Keys onClose={() => setHelping(false)} /> : null}
    </>
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
  ['g then o i c r d', 'Overview, Incidents, Connections, Rules, Deliveries'],
  ['ctrl k', 'find an incident, a rule or a page'],
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
