/** Every page, one row each: where it is, what navigation, finder and keys call it, and what shows it. */
import { type ComponentType, lazy, type ReactNode } from 'react';
import { Link, Route, Switch } from 'wouter';
import { Overview } from './pages/overview.tsx';

const AlertPage = lazy(() => import('./pages/alert.tsx'));
const IncidentPage = lazy(() => import('./pages/incident.tsx'));
const ReplayPage = lazy(() => import('./pages/replay.tsx'));
const RuleEditor = lazy(() => import('./pages/rule-editor.tsx'));
const PodPage = lazy(() => import('./pages/pod.tsx'));

interface PageRow {
  readonly href: string;
  readonly title: string;
  /** Pressed after `g`. */
  readonly key: string;
  /** Stands behind "More" in the navigation: what is set up rather than looked at. */
  readonly more?: true;
  readonly component: ComponentType;
}

export const PAGES: readonly PageRow[] = [
  { href: '/', title: 'Overview', key: 'o', component: Overview },
  { href: '/incidents', title: 'Incidents', key: 'i', component: lazy(() => import('./pages/incidents.tsx')) },
  { href: '/map', title: 'Map', key: 'm', component: lazy(() => import('./pages/map.tsx')) },
  { href: '/connections', title: 'Connections', key: 'c', component: lazy(() => import('./pages/connections.tsx')) },
  { href: '/events', title: 'Events', key: 'e', component: lazy(() => import('./pages/events.tsx')) },
  { href: '/rules', title: 'Rules', key: 'r', component: lazy(() => import('./pages/rules.tsx')) },
  {
    href: '/deliveries',
    title: 'Deliveries',
    key: 'd',
    more: true,
    component: lazy(() => import('./pages/deliveries.tsx')),
  },
  { href: '/attack', title: 'ATT&CK', key: 'k', more: true, component: lazy(() => import('./pages/attack.tsx')) },
  { href: '/replays', title: 'Replays', key: 'p', more: true, component: lazy(() => import('./pages/replays.tsx')) },
  { href: '/silences', title: 'Silences', key: 's', more: true, component: lazy(() => import('./pages/silences.tsx')) },
  { href: '/webhooks', title: 'Webhooks', key: 'w', more: true, component: lazy(() => import('./pages/webhooks.tsx')) },
  { href: '/tokens', title: 'Tokens', key: 't', more: true, component: lazy(() => import('./pages/tokens.tsx')) },
];

/** Whether a page of the table is what this address shows, or part of what it shows. */
export const isAt = (location: string, href: string): boolean =>
  href === '/' ? location === '/' : location === href || location.startsWith(`${href}/`);

/** What the address shows: a page of the table, or one of something. */
export function PageOf(): ReactNode {
  return (
    <Switch>
      {PAGES.map(({ href, component }) => (
        <Route key={href} path={href} component={component} />
      ))}
      <Route path="/alerts/:id">{({ id }) => <AlertPage key={id} id={id} />}</Route>
      <Route path="/incidents/:id">{({ id }) => <IncidentPage key={id} id={id} />}</Route>
      <Route path="/editor" component={RuleEditor} />
      <Route path="/replays/:id/*?">{({ id }) => <ReplayPage key={id} id={id} />}</Route>
      <Route path="/pods/:namespace/:name">
        {({ namespace, name }) => <PodPage namespace={namespace} name={name} />}
      </Route>
      <Route>
        <title>No such page · Spoor</title>
        <h1>There is no such page</h1>
        <p>
          <Link href="/">Overview</Link>
        </p>
      </Route>
    </Switch>
  );
}
