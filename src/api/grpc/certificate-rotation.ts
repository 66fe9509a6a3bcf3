/** Gives a listener the certificates that lie in the files now. What is not usable is told once and the last ones stay. */

import type { Clock, Timer } from '../../lib/clock.js';
import { AgentError } from '../../lib/errors.js';
import { readTlsFiles, type TlsFiles, type TlsMaterial } from './tls-files.js';

export interface RotationReport {
  readonly clock: Clock;
  readonly onTrouble: (error: AgentError) => void;
  readonly onBug: (thrown: unknown, where: string) => void;
}

/**
 * Reads the files again and again rather than watch them: three small files cost nothing, and no exchange of a link above them,
 * as a Secret's `..data`, is missed.
 */
export class CertificateRotation {
  readonly #report: RotationReport;
  readonly #rereadMs: number;
  readonly #files: TlsFiles;
  readonly #listener: { setMaterial(material: TlsMaterial): void };
  #material: TlsMaterial;
  #timer: Timer | undefined;
  #told: string | undefined;
  #isClosed = false;

  constructor(
    report: RotationReport,
    rereadMs: number,
    files: TlsFiles,
    material: TlsMaterial,
    listener: { setMaterial(material: TlsMaterial): void },
  ) {
    this.#report = report;
    this.#rereadMs = rereadMs;
    this.#files = files;
    this.#material = material;
    this.#listener = listener;
    this.#later();
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  #later(): void {
    if (this.#isClosed) return;
    const { clock, onBug } = this.#report;
    const look = (): void => void this.#look().catch((thrown: unknown) => onBug(thrown, 'certificates'));
    this.#timer = clock.after(this.#rereadMs, look, true);
  }

  async #look(): Promise<void> {
    try {
      const material = await readTlsFiles(this.#files);
      const { cert, key, ca } = this.#material;
      const isSame = material.cert === cert && material.key === key && material.ca === ca;
      if (!isSame && !this.#isClosed) this.#listener.setMaterial(material);
      this.#material = material;
      this.#told = undefined;
    } catch (thrown) {
      if (!(thrown instanceof AgentError)) throw thrown;
      if (this.#told !== thrown.message) this.#report.onTrouble(thrown);
      this.#told = thrown.message;
    } finally {
      this.#later();
    }
  }
}
