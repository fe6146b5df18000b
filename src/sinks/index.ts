/** Everything that the rest of the program needs of the sinks. */
export { refuseTarget } from './address.ts';
export { sinkConfig } from './create.ts';
export { systemClock } from './delivery.ts';
export { alertMatches, route, routeConfig, unknownSinks } from './routes.ts';
export { Sinks } from './sinks.ts';
