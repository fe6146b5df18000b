/** The code checks itself: the import law of ARCHITECTURE.md, no cycles, no long files, no clocks or I/O in the core. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const src = join(root, 'src');
const LINES_MAX = 400;

/** Which layers each layer may import, itself aside. The files at the top of src/, `app/` and `commands/` may import all. */
const LAW: Readonly<Record<string, readonly string[]>> = {
  model: [],
  disk: [],
  context: ['model'],
  rules: ['model'],
  detection: ['model', 'context', 'rules'],
  'rule-tests': ['model', 'context', 'rules', 'detection'],
  alerts: ['model', 'rules'],
  authoring: ['model', 'context', 'rules', 'detection', 'rule-tests', 'alerts'],
  'language-server': ['model', 'rules', 'rule-tests', 'authoring'],
  sources: ['model', 'disk'],
  recorder: ['model', 'disk'],
  store: ['model', 'alerts', 'disk'],
  sinks: ['model', 'alerts', 'disk'],
  api: ['model', 'alerts', 'context', 'rules', 'detection'],
  config: ['model', 'sinks'],
  render: ['model', 'alerts', 'rules', 'context'],
  ui: ['api'],
};
const CORE = ['model', 'context', 'rules', 'detection', 'rule-tests', 'alerts', 'authoring'];
/** The API sees the core's data and plain views of it, never what moves it. */
const READ_ONLY_FOR_API = /^(context\/views|rules\/rule|rules\/diagnostics|detection\/stats)\b/;
const FORBIDDEN_IN_CORE = [
  { what: 'Date', pattern: /\bDate\b/ },
  { what: 'timers', pattern: /\b(setTimeout|setInterval|setImmediate|queueMicrotask)\b/ },
  { what: 'randomness', pattern: /\bMath\.random\b/ },
  { what: 'process', pattern: /\bprocess\.(env|argv|exit|stdout|stderr|hrtime|memoryUsage|nextTick)\b/ },
  { what: 'node:*', pattern: /from 'node:/ },
];

interface Module {
  readonly path: string;
  readonly layer: string;
  readonly text: string;
  readonly imports: readonly string[];
}

function walk(): Module[] {
  return readdirSync(src, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map(entry => {
      const file = join(entry.parentPath, entry.name);
      const path = relative(src, file).split(sep).join('/');
      const text = readFileSync(file, 'utf8');
      const imports = [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map(m =>
        normalize(join(dirname(path), m[1] as string))
          .split(sep)
          .join('/'),
      );
      const slash = path.indexOf('/');
      return { path, layer: slash < 0 ? '' : path.slice(0, slash), text, imports };
    });
}

/** Comments may speak of anything. */
const code = (text: string): string => text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');

const modules = walk();

describe('the code', () => {
  it('keeps the import law', () => {
    const broken: string[] = [];
    for (const module of modules) {
      const allowed = LAW[module.layer];
      if (allowed === undefined) continue;
      for (const target of module.imports) {
        const layer = target.includes('/') ? target.slice(0, target.indexOf('/')) : '';
        if (layer === module.layer) continue;
        if (!allowed.includes(layer)) broken.push(`${module.path} imports ${target}`);
        else if (module.layer === 'api' && CORE.includes(layer) && !['model', 'alerts'].includes(layer)) {
          if (!READ_ONLY_FOR_API.test(target)) broken.push(`${module.path} imports ${target}: not a read-only view`);
        } else if (module.layer === 'ui' && !importsTypesAlone(module, target)) {
          broken.push(`${module.path} imports ${target}: the page takes types of the contract alone`);
        }
      }
    }
    expect(broken).toEqual([]);
  });

  it('has every folder of src/ in the law', () => {
    const folders = new Set(modules.map(m => m.layer).filter(layer => !['', 'commands', 'app'].includes(layer)));
    expect([...folders].filter(folder => LAW[folder] === undefined)).toEqual([]);
  });

  it('has no import cycles', () => {
    const byPath = new Map(modules.map(m => [m.path, m]));
    const state = new Map<string, 'open' | 'done'>();
    const cycles: string[] = [];
    const visit = (path: string, trail: readonly string[]): void => {
      if (state.get(path) === 'done') return;
      if (state.get(path) === 'open') {
        cycles.push([...trail.slice(trail.indexOf(path)), path].join(' → '));
        return;
      }
      state.set(path, 'open');
      const module = byPath.get(path);
      // `import type` vanishes at run time: two type files may speak of each other.
      const runtime = module === undefined ? [] : runtimeImports(module);
      for (const target of runtime) visit(target, [...trail, path]);
      state.set(path, 'done');
    };
    for (const module of modules) visit(module.path, []);
    expect(cycles).toEqual([]);
  });

  it('keeps clocks, randomness and I/O out of the core', () => {
    const broken = modules
      .filter(module => CORE.includes(module.layer))
      .flatMap(module =>
        FORBIDDEN_IN_CORE.filter(({ pattern }) => pattern.test(code(module.text))).map(
          ({ what }) => `${module.path}: ${what}`,
        ),
      );
    expect(broken).toEqual([]);
  });

  it(`has no file over ${LINES_MAX} lines`, () => {
    const long = modules
      .map(module => ({ path: module.path, lines: module.text.split('\n').length - 1 }))
      .filter(({ lines }) => lines > LINES_MAX);
    expect(long).toEqual([]);
  });
});

const importsTypesAlone = (module: Module, target: string): boolean =>
  target === 'api/contract.ts' && !runtimeImports(module).includes(target);

function runtimeImports(module: Module): string[] {
  return [...module.text.matchAll(/^(?:import|export)\s+(?!type\b)[^;]*?from\s+'(\.[^']+)'/gms)].map(m =>
    normalize(join(dirname(module.path), m[1] as string))
      .split(sep)
      .join('/'),
  );
}
