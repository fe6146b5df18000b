// Makes a checkout runnable and does nothing when it already is: installs when package-lock.json changed, builds when a
// source or a rule did. Plain Node without dependencies, because it runs before there are any.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
process.chdir(root);

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Spoor needs Node 20.19 or newer; this is ${process.version}. Install a newer Node and try again.`);
  process.exit(1);
}

const installedStamp = 'node_modules/.spoor-installed';
const builtStamp = 'dist/.built';
const pageStamp = 'dist/.page-built';
const pageSource = 'src/ui';

const digest = text => createHash('sha256').update(text).digest('hex');
const stampIs = (file, value) => existsSync(file) && readFileSync(file, 'utf8') === value;

function run(what, command, args, env = process.env) {
  const started = Date.now();
  process.stderr.write(`${what} …\n`);
  const result = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'], env });
  if (result.status !== 0) {
    console.error(`${what} failed (${command} ${args.join(' ')}); what it printed stands above.`);
    process.exit(1);
  }
  process.stderr.write(`${what}: done in ${((Date.now() - started) / 1000).toFixed(0)} s\n`);
}

function install() {
  const wanted = digest(`${readFileSync('package-lock.json', 'utf8')}\n${process.version}`);
  if (stampIs(installedStamp, wanted)) return;
  const env = { ...process.env };
  // better-sqlite3 is compiled where no prebuilt binary can be fetched: use this Node's own headers when they are on disk.
  const prefix = join(dirname(process.execPath), '..');
  if (!env.npm_config_nodedir && existsSync(join(prefix, 'include/node/node.h'))) env.npm_config_nodedir = prefix;
  run(
    'Installing packages (SQLite is compiled the first time: about a minute)',
    'npm',
    ['ci', '--no-fund', '--no-audit'],
    env,
  );
  writeFileSync(installedStamp, wanted);
}

function newest(dir, without) {
  let latest = 0;
  for (const entry of readdirSync(dir, { withFileTypes: true, recursive: true })) {
    const file = join(entry.parentPath ?? entry.path, entry.name);
    if (entry.isFile() && !(without && file.startsWith(without))) latest = Math.max(latest, statSync(file).mtimeMs);
  }
  return latest;
}

function build() {
  const wanted = digest(
    [
      newest('src', join(pageSource, '/')),
      newest('rules'),
      statSync('tsconfig.json').mtimeMs,
      statSync('tsconfig.build.json').mtimeMs,
    ].join(' '),
  );
  if (stampIs(builtStamp, wanted)) return;
  run('Building', process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json']);
  run('Reading the rules that ship', process.execPath, ['--import', 'tsx', 'scripts/shipped-rules.ts']);
  mkdirSync('dist', { recursive: true });
  writeFileSync(builtStamp, wanted);
}

function buildPage() {
  const wanted = digest(
    [newest(pageSource), statSync('vite.config.ts').mtimeMs, readFileSync('package-lock.json', 'utf8')].join(' '),
  );
  if (stampIs(pageStamp, wanted) && existsSync('dist/ui/index.html')) return;
  run('Building the web page', process.execPath, ['node_modules/vite/bin/vite.js', 'build', '--logLevel', 'warn']);
  writeFileSync(pageStamp, wanted);
}

install();
build();
buildPage();
