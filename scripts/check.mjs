// What must hold before any test runs: format, lint, types, generated code, packages and their licences, the proto files and that they are compatible with
// what was released, and the rules of the source tree. Prints one line a check; the output of a check that fails follows it.
// `--json FILE` writes the counts for scripts/test.mjs.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';

const checks = [
  ['types', 'npx', ['tsc', '-p', 'tsconfig.json', '--noEmit']],
  ['build', 'npx', ['tsc', '-p', 'tsconfig.build.json']],
  ['format', 'npx', ['prettier', '--check', '--log-level', 'warn', '.']],
  ['lint', 'npx', ['eslint', '--max-warnings', '0', '.']],
  ['generated code', 'node', ['scripts/generate.mjs', '--check']],
  ['packages', 'node', ['scripts/licences.mjs', '--check']],
  ['proto lint', 'npx', ['buf', 'lint', 'proto']],
  ['proto compatibility', 'npx', ['buf', 'breaking', 'proto', '--against', 'test/vectors/proto-v1.binpb']],
  ['source rules', 'npx', ['vitest', 'run', '--project', 'unit', 'test/tidy.test.ts']],
];

let failed = 0;
for (const [name, command, args] of checks) {
  const result = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 64 << 20 });
  const isFailed = result.status !== 0;
  console.log(`${isFailed ? 'FAILED' : 'ok    '}  ${name}`);
  if (isFailed) {
    failed += 1;
    console.log(`${result.stdout ?? ''}${result.stderr ?? ''}${result.error ? String(result.error) : ''}`);
  }
}
const jsonAt = process.argv.indexOf('--json');
if (jsonAt > 0) writeFileSync(process.argv[jsonAt + 1], JSON.stringify({ passed: checks.length - failed, failed }));
process.exitCode = failed === 0 ? 0 : 1;
