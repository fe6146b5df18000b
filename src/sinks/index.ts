/** Everything that the rest of the program needs of the sinks. */
export { refuseTarget } from './address.ts';
export { createSink, type SinkConfig, sinkConfig } from './create.ts';
export { type Clock, type DeliveryStatus, systemClock } from './delivery.ts';
export { type SinkDeps, volatileMemory } from './deps.ts';
export type { Lease, Outbox } from './outbox.ts';
export { type Route, route, routeConfig, type Target, unknownSinks } from './routes.ts';
export { Sinks, type SinksDeps, type Subscription } from './sinks.ts';
