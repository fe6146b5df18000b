/** Writing rules: check, test and try without a file. */
import { z } from 'zod';
import type { ApiDeps } from '../deps.ts';
import { Problem } from '../problem.ts';
import { replaySchema } from '../replays.ts';
import { type Route, route } from '../route.ts';
import { checkSchema, RULE_CHARS_MAX, suggestionsSchema, templatesSchema, testResultsSchema } from '../rule-lab.ts';
import { alertSchema, idSchema } from '../schemas.ts';
import { ownerOf } from './replays.ts';

const text = z.string().min(1).max(RULE_CHARS_MAX).describe('YAML of a rule');
const rule = idSchema.nullish().describe('id of the rule that it is a new version of');
const from0 = z.int().min(0).max(RULE_CHARS_MAX).describe('from 0');
const place = { text, line: from0, character: from0 };
/** The answer waits so long for a try; what takes longer is followed as a replay. */
const TRY_ANSWER_MS_MAX = 25_000;
const ALERTS_TOLD_MAX = 50;
const MINUTES_MAX = 24 * 60;

const tryInput = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('recorder'),
    minutes: z.int().min(1).max(MINUTES_MAX).default(60).describe('the last ones of what is recorded'),
  }),
  z.strictObject({ type: z.literal('replay'), id: z.string().describe('whose files') }),
  z.strictObject({ type: z.literal('recording'), name: z.string().min(1).max(100).describe('one that ships') }),
]);

type Deps = Pick<ApiDeps, 'ruleLab' | 'replays'>;

export function ruleLabRoutes({ ruleLab, replays }: Deps): Route[] {
  return [
    route({
      method: 'POST',
      path: '/api/v1/rules/check',
      id: 'checkRule',
      tag: 'rules',
      summary: 'What `spoor rules lint` says of a rule',
      scope: 'read',
      body: z.strictObject({ text, rule }),
      answer: { status: 200, description: 'Findings, with their places', schema: checkSchema },
      problems: [422],
      handle: ({ body }) => ruleLab.check(body.text, body.rule ?? null),
    }),
    route({
      method: 'POST',
      path: '/api/v1/rules/test',
      id: 'testRule',
      tag: 'rules',
      summary: 'Run the tests inside a rule',
      scope: 'read',
      body: z.strictObject({ text, rule }),
      answer: { status: 200, description: 'A result each', schema: testResultsSchema },
      problems: [422],
      requestsPerMinuteMax: 120,
      handle: ({ body }) => ruleLab.test(body.text, body.rule ?? null),
    }),
    route({
      method: 'POST',
      path: '/api/v1/rules/complete',
      id: 'completeRule',
      tag: 'rules',
      summary: 'What could stand at a place of a rule',
      scope: 'read',
      body: z.strictObject(place),
      answer: { status: 200, description: 'Suggestions', schema: suggestionsSchema },
      problems: [422],
      handle: ({ body }) => ruleLab.complete(body.text, body.line, body.character),
    }),
    route({
      method: 'POST',
      path: '/api/v1/rules/hover',
      id: 'hoverRule',
      tag: 'rules',
      summary: 'What the word at a place of a rule means',
      scope: 'read',
      body: z.strictObject(place),
      answer: { status: 200, description: "Markdown, or ''", schema: z.object({ text: z.string() }) },
      problems: [422],
      handle: ({ body }) => ruleLab.hover(body.text, body.line, body.character),
    }),
    route({
      method: 'GET',
      path: '/api/v1/rules/templates',
      id: 'listRuleTemplates',
      tag: 'rules',
      summary: 'Rules to begin with',
      scope: 'read',
      answer: { status: 200, description: 'Each with an id of its own', schema: templatesSchema },
      handle: ({ caller }) => ruleLab.templates(caller.name),
    }),
    route({
      method: 'POST',
      path: '/api/v1/rules/try',
      id: 'tryRule',
      tag: 'rules',
      summary:
        'Play a rule over what is recorded, over a replay’s files or over a recording that ships. The answer comes when that is ' +
        'over, or after 25 s with `replay.state` still `playing`: follow the replay then',
      scope: 'write',
      body: z.strictObject({ text, on: tryInput }),
      answer: {
        status: 200,
        description: 'What it would have found, what it cost, or what came nearest',
        schema: z.object({ replay: replaySchema, alerts: z.array(alertSchema) }),
      },
      problems: [404, 409],
      requestsPerMinuteMax: 60,
      handle: async ({ body, caller }) => {
        if (body.on.type === 'recorder' && caller.namespaces !== null)
          throw new Problem(
            403,
            'forbidden',
            'what is recorded is of all namespaces, and this token is limited to some: try the rule on a recording or a replay of yours',
          );
        const owner = ownerOf(caller);
        const begun = await replays.try(owner, body.text, body.on);
        const replay = await replays.finished(begun.id, owner, TRY_ANSWER_MS_MAX);
        if (replay.state === 'failed') {
          await replays.delete(replay.id, owner);
          throw new Problem(422, 'cannot-try', replay.error);
        }
        if (replay.state !== 'done') return { replay, alerts: [] };
        const page = await replays.ask(replay.id, owner, 'listAlerts', {}, { limit: ALERTS_TOLD_MAX });
        const { items } = JSON.parse(page) as { items: { id: string }[] };
        const alerts = await Promise.all(
          items.map(async ({ id }) => JSON.parse(await replays.ask(replay.id, owner, 'getAlert', { id }, {}))),
        );
        return { replay, alerts };
      },
    }),
  ];
}
