/** The joined stream for the API: history from the recorder, the present as it happens, and the catalogue's fields. */
import type { EventsPort, FieldRecord, FieldValues } from '../api/events-port.ts';
import type { Observation } from '../model/observation.ts';
import type { FlightRecorder } from '../recorder/recorder.ts';
import { observationWords } from '../render/observation.ts';
import { FAMILIES, FIELDS } from '../rules/catalogue/catalogue.ts';
import { MODIFIERS } from '../rules/modifiers.ts';
import { compileFilters } from './event-filter.ts';
import { searchEvents } from './event-search.ts';
import type { EventTail } from './event-tail.ts';

export function eventsPort(recorder: FlightRecorder | null, tail: EventTail): EventsPort {
  return {
    fields: fieldRecords(),
    modifiers: MODIFIERS,
    compile: compileFilters,
    describe: observationWords,
    values: valuesOf,
    search: recorder === null ? null : (search, wanted, limit) => searchEvents(recorder, search, wanted, limit),
    listen: listener => tail.listen(listener),
  };
}

function fieldRecords(): FieldRecord[] {
  return [
    ...FIELDS.map(({ name, type, kinds, describe, requires }) => ({ name, type, kinds, describe, requires })),
    ...FAMILIES.map(({ pattern: name, type, kinds, describe, requires }) => ({
      name,
      type,
      kinds,
      describe,
      requires,
    })),
  ];
}

/** What the catalogue's fields say of an event; those that it does not carry are absent. */
function valuesOf(observation: Observation): FieldValues {
  const values: Record<string, string | number | boolean | readonly string[]> = {};
  for (const { name, kinds, get } of FIELDS) {
    if (!kinds.includes(observation.event.kind)) continue;
    const value = get(observation, observation.process);
    if (value === null || value === '' || (Array.isArray(value) && value.length === 0)) continue;
    values[name] = value;
  }
  return values;
}
