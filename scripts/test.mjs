// All tiers, one after another: checks, unit, integration and end-to-end tests, the sandbox's own run. Ends with
// `N passed, N failed` over all of them. A test that was skipped is a failure: on this path everything it needs has been installed.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const dir = mkdtempSync(join(tmpdir(), 'dpu-test-'));
const totals = { passed: 0, failed: 0 };

function run(title, command, args) {
  console.log(`\n== ${title}`);
  return spawnSync(command, args, { stdio: 'inherit' }).status === 0;
}

function add(title, passed, failed) {
  console.log(`-- ${title}: ${passed} passed, ${failed} failed`);
  totals.passed += passed;
  totals.failed += failed;
}

function read(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/** A tier that ended without a report failed as a whole. */
function addVitest(title, file, isOk) {
  const report = read(file);
  if (report === undefined) return add(title, 0, 1);
  const skipped = report.numPendingTests + report.numTodoTests;
  if (skipped > 0) console.log(`${skipped} test(s) of tier ${title} did not run; each counts as failed`);
  const failed = report.numFailedTests + skipped;
  // A file that could not be loaded has no tests to fail.
  add(title, report.numPassedTests, isOk || failed > 0 ? failed : Math.max(report.numFailedTestSuites, 1));
}

function vitest(title, project, extra = []) {
  const file = join(dir, `${project}.json`);
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  addVitest(title, file, run(title, 'npx', ['vitest', 'run', '--project', project, ...reporters, ...extra]));
}

try {
  const checkFile = join(dir, 'check.json');
  run('checks', 'node', ['scripts/check.mjs', '--json', checkFile]);
  const checks = read(checkFile) ?? { passed: 0, failed: 1 };
  add('checks', checks.passed, checks.failed);
  vitest('unit', 'unit', ['--coverage']);
  vitest('integration', 'integration');
  // Against the embedded API server; scripts/e2e.mjs runs the same against a real one.
  vitest('end to end', 'e2e');
  const isShown = run('sandbox --once', 'node', ['scripts/sandbox.mjs', '--once']);
  add('sandbox --once', isShown ? 1 : 0, isShown ? 0 : 1);
} finally {
  rmSync(dir, { recursive: true, force: true });
}
console.log(`\n${totals.passed} passed, ${totals.failed} failed`);
process.exitCode = totals.failed === 0 ? 0 : 1;
