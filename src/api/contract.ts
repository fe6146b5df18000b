/** The answers' shapes by name, for programs that read them: the web page is one. Types alone, nothing that runs. */
import type { z } from 'zod';
import type { EngineStatus } from './deps.ts';
import type { timelineSchema } from './timeline.ts';

export type {
  Alert,
  AlertEvidence,
  Gap,
  Incident,
  IncidentState,
  Level,
} from '../alerts/alert.ts';
export type { Page, RuleRecord } from './deps.ts';
export type { EventView } from './event-view.ts';
export type { MapView } from './map.ts';
export type { PictureView } from './picture/schema.ts';
export type { ReplayView } from './replays.ts';
export type { DeliveryView, SinkView } from './routes/deliveries.ts';
export type { EventsPage, FieldsView } from './routes/events.ts';
export type { PodPictureView } from './routes/live.ts';
export type { RuleStatistics } from './routes/rulebook.ts';
export type { SilenceView } from './routes/silences.ts';
export type { TokenView } from './routes/tokens.ts';
export type { WebhookView } from './routes/webhooks.ts';
export type { RuleCheckView, RuleSuggestions, RuleTestView } from './rule-lab.ts';
export type { CoverageView, ExceptionView, RuleSource, WhyView } from './rulebook.ts';
export type { TreeView } from './tree-builder.ts';
export type { ConnectionView, NamedConnectionView, TreeProcess } from './views.ts';

export type TimelineEntry = z.infer<typeof timelineSchema>['items'][number];

/** Callers of some namespaces get less: what counts all of them is absent. */
export type StatusView = EngineStatus & { readonly ready: boolean; readonly unready: readonly string[] };
