/**
 * Programs that stand in for `ip` and `devlink`: small shell scripts in a temporary directory, started for real, so that
 * the code under test meets real processes, pipes and exit codes. Each keeps a log of the arguments it was given.
 */
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemErrorCode } from '../../src/lib/errors.js';

export class FakeTool {
  readonly file: string;
  readonly args: readonly string[] = [];
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
    this.file = join(directory, 'tool');
  }

  /** @param body of a shell script; `$D` is a directory of its own */
  static async create(body: string): Promise<FakeTool> {
    const tool = new FakeTool(await mkdtemp(join(tmpdir(), 'tool-')));
    await tool.rewrite(body);
    return tool;
  }

  async rewrite(body: string): Promise<void> {
    const lines = ['#!/bin/sh', `D='${this.directory}'`, 'echo "$*" >> "$D/calls"', body, ''];
    await writeFile(this.file, lines.join('\n'));
    await chmod(this.file, 0o755);
  }

  /** The arguments of each call so far, one line each. */
  async calls(): Promise<readonly string[]> {
    return (await this.text('calls')).split('\n').filter((line) => line !== '');
  }

  /** A file that the script wrote; empty until it did. */
  async text(name: string): Promise<string> {
    try {
      return await readFile(join(this.directory, name), 'utf8');
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return '';
      throw error;
    }
  }

  /** Puts a file where the script can see it. */
  async put(name: string, text: string): Promise<void> {
    await writeFile(join(this.directory, name), text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}
