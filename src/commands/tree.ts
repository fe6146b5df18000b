import type { Command } from 'commander';
import type { Context } from '../context/context.ts';
import { podList, podTree, processTree, type RootTree } from '../context/views.ts';
import { Marks } from '../render/marks.ts';
import { drawnTree } from '../render/remote-tree.ts';
import { treeDot } from '../render/tree-dot.ts';
import { treeSvg } from '../render/tree-svg.ts';
import { podText, rootText, treesText } from '../render/tree-text.ts';
import { CommandError, FORMS, type Form, Io, UsageError } from './io.ts';
import { globals, parseSeconds, parseTime } from './options.ts';
import { play, reportMalformed, rulesOrFail } from './playback.ts';
import { openReader, type Place } from './reader.ts';
import { requireTerminal, watchPod } from './watch.ts';

interface TreeOptions extends Place {
  readonly pod?: string;
  readonly execId?: string;
  readonly at?: number;
  readonly watch?: boolean;
  readonly every: number;
  readonly output: Form;
}

const PODS_NAMED_MAX = 20;

export function registerTree(program: Command): void {
  program
    .command('tree')
    .description("A pod's (or a process's) ancestry tree with the connections of every process")
    .argument('[file...]', 'recorded events; without any, a running Spoor is asked')
    .option('--pod <name>', 'namespace/name; the beginning of it is enough when it is the only one')
    .option('--url <url>', 'API of a running Spoor', process.env.SPOOR_URL ?? 'http://127.0.0.1:8787')
    .option('--token-file <file>', 'file with the bearer token', process.env.SPOOR_TOKEN_FILE)
    .option('--exec-id <id>', 'the tree below one process')
    .option('--at <time>', 'the tree as it was at this time (RFC 3339)', parseTime)
    .option('--watch', 'draw it again and again on this terminal, from a running Spoor; q leaves, arrows scroll')
    .option('--every <seconds>', 'how often with --watch', parseSeconds, 2)
    .addHelpText(
      'after',
      `
Examples:
  spoor tree captures/lateral-movement/*.jsonl.gz --pod tenant-jobs/crawler
  spoor tree *.jsonl.gz --pod shop/cart-0 -o svg > picture.svg
  spoor tree --pod shop/cart-0 --watch`,
    )
    .action(async (files: string[], _options, command: Command) => {
      const options = command.optsWithGlobals<TreeOptions>();
      const io = new Io(globals(options), FORMS);
      if ((options.pod === undefined) === (options.execId === undefined)) {
        throw new UsageError('name what to draw: --pod NAMESPACE/NAME or --exec-id ID');
      }
      if (options.watch === true) return watch(files, options, io);
      if (files.length === 0) return drawLive(options, io);
      const marks = new Marks();
      const rules = rulesOrFail({ paths: [], defaults: true, disable: [] }, io);
      const played = await play(
        {
          files,
          rules,
          onStep: ({ changes }) => {
            for (const { type, alert } of changes) if (type === 'new') marks.add(alert);
          },
        },
        io,
      );
      reportMalformed(played, io);
      draw(played.engine.context, options, marks.texts(), io);
    });
}

function draw(context: Context, options: TreeOptions, marks: ReadonlyMap<string, string>, io: Io): void {
  const form = options.output;
  const at = options.at ?? Number.POSITIVE_INFINITY;
  let title: string;
  let roots: readonly RootTree[];
  let view: unknown;
  let text: () => string;
  if (options.execId !== undefined) {
    const root = processTree(context, options.execId, at);
    if (root === null) throw new CommandError(`no process has the exec_id ${options.execId} in these files`);
    title = options.execId;
    roots = [root];
    view = root;
    text = () => rootText(root, io.style, marks);
  } else {
    const { namespace, name } = findPod(context, options.pod as string);
    const tree = podTree(context, namespace, name, at);
    if (tree === null) throw new CommandError(`no pod ${namespace}/${name} in these files`);
    title = `${namespace}/${name}`;
    roots = tree.roots;
    view = tree;
    text = () => podText(tree, io.style, marks);
  }
  if (form === 'json') io.record(view);
  else if (form === 'dot') io.out(treeDot(title, roots));
  else if (form === 'svg') io.out(treeSvg(title, roots, marks));
  else io.out(text());
}

async function watch(files: readonly string[], options: TreeOptions, io: Io): Promise<void> {
  if (files.length > 0 || options.at !== undefined)
    throw new UsageError('--watch draws what happens now: leave out the files and --at');
  if (!/^[^/]+\/[^/]+$/.test(options.pod ?? '') || options.output !== 'text')
    throw new UsageError('--watch draws a pod as text: --pod NAMESPACE/NAME, without -o');
  requireTerminal();
  await watchPod(await openReader(options), { pod: options.pod as string, everyMs: options.every * 1_000 }, io);
}

async function drawLive(options: TreeOptions, io: Io): Promise<void> {
  if (options.pod === undefined)
    throw new UsageError('a running Spoor is asked for a pod: --pod NAMESPACE/NAME (or name recorded files)');
  if (options.at !== undefined) throw new UsageError('--at needs recorded files');
  const reader = await openReader(options);
  const remote = await reader.podTree(options.pod);
  if (remote === null) throw new CommandError(`no pod ${options.pod} is known at ${options.url}`);
  const form = options.output;
  const { roots, unattributed, omitted } = drawnTree(remote);
  if (form === 'json') io.record(remote);
  else if (form === 'dot') io.out(treeDot(options.pod, roots));
  else if (form === 'svg') io.out(treeSvg(options.pod, roots));
  else io.out(`${io.style.bold(options.pod)}\n${treesText(roots, unattributed, omitted, io.style)}`);
}

function findPod(context: Context, wanted: string): { namespace: string; name: string } {
  const pods = podList(context);
  const exact = pods.find(pod => `${pod.namespace}/${pod.name}` === wanted);
  if (exact !== undefined) return exact;
  const starting = pods.filter(pod => `${pod.namespace}/${pod.name}`.startsWith(wanted));
  if (starting.length === 1) return starting[0] as { namespace: string; name: string };
  const named = (starting.length > 0 ? starting : pods).map(pod => `${pod.namespace}/${pod.name}`);
  const list = named.slice(0, PODS_NAMED_MAX).join(', ');
  const more = named.length > PODS_NAMED_MAX ? `, and ${named.length - PODS_NAMED_MAX} more` : '';
  throw new CommandError(
    `${starting.length === 0 ? `no pod is called '${wanted}'` : `'${wanted}' is the beginning of several pods`}; there are: ${list}${more}`,
  );
}
