/** `npm test`: every check, and every test beside them; the last line counts them all. */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = (name) => join(root, 'node_modules', '.bin', name);
const tally = { passed: 0, failed: 0, skipped: 0 };

function ended(child) {
  return new Promise((done) => child.once('error', () => done(1)).once('close', done));
}

/** Lower than all that is tested: it takes what they leave of the cores. */
function stepBack({ pid }) {
  try {
    setPriority(pid, 15);
  } catch {
    // Some systems know no priorities; then it takes its share.
  }
}

/** Answers when it has ended; what it says comes in one piece, since others run beside it. */
async function check(name, command, args) {
  const started = performance.now();
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  stepBack(child);
  const said = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => said.push(chunk));
  const code = await ended(child);
  tally[code === 0 ? 'passed' : 'failed'] += 1;
  process.stdout.write(Buffer.concat(said));
  console.log(`${code === 0 ? '✓' : '✗'} ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
}

/** Runs test files and counts what they say; a file that could not even be loaded has no failing test, and still has failed. */
async function tests(name, args) {
  const report = join(root, '.benren', `test-report-${name}.json`);
  mkdirSync(join(root, '.benren'), { recursive: true });
  rmSync(report, { force: true });
  const vitest = spawn(bin('vitest'), ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...args], { cwd: root, stdio: 'inherit' });
  const finished = await ended(vitest) === 0;
  try {
    const { numPassedTests, numFailedTests, numPendingTests, numFailedTestSuites, testResults } = JSON.parse(readFileSync(report, 'utf8'));
    tally.passed += numPassedTests;
    const unloadable = testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0).length;
    tally.failed += numFailedTests + unloadable;
    tally.skipped += numPendingTests;
    if (!finished && numFailedTests + numFailedTestSuites === 0) tally.failed += 1;
  } catch {
    tally.failed += 1;
  }
}

/** These measure milliseconds between real processes: alone on the machine, or they measure their neighbours. */
const ALONE = ['test/stop/leases.test.ts', 'test/stop/bytes.test.ts'];

async function checks() {
  await check('contract bundle unchanged', bin('tsx'), ['tool/contracts.ts', '--check']);
  await check('types', bin('tsc'), ['--noEmit']);
  await check('lint', bin('eslint'), ['.', '--max-warnings', '0']);
}

// Two workers wait for their servers, timers and each other a good part of the time: the checks run in those gaps.
await Promise.all([checks(), tests('many', ALONE.map((file) => `--exclude=${file}`))]);
await tests('alone', ['--maxWorkers=1', ...ALONE]);
console.log(`${tally.passed} passed, ${tally.failed} failed${tally.skipped > 0 ? `, ${tally.skipped} skipped` : ''}`);
process.exit(tally.failed === 0 ? 0 : 1);
