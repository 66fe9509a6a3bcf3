/** The rules of section `offload`: declared settings are known ones with values that they take, and nothing is expected twice. */
import { nearest } from '../lib/nearest.js';
import { safeText } from '../lib/text.js';
import type { ConfigDraft } from './draft.js';
import { declarableSettings, settingValuesText, takesValue } from './offload-settings.js';
import type { Report } from './report.js';

export function checkOffload(draft: ConfigDraft, report: Report): void {
  const { settings = {}, expect } = draft.value.offload ?? {};
  for (const [key, value] of Object.entries(settings)) checkSetting(key, value, report);
  const { vfs = [], cards = [] } = expect ?? {};
  vfs.forEach(({ pf }, index) => {
    if (vfs.findIndex((other) => other.pf === pf) < index) {
      report(['offload', 'expect', 'vfs', index, 'pf'], `PF ${pf} is given twice`);
    }
  });
  cards.forEach((card, index) => {
    if (cards.indexOf(card) < index) report(['offload', 'expect', 'cards', index], `"${card}" is given twice`);
  });
}

function checkSetting(key: string, value: string, report: Report): void {
  const path = ['offload', 'settings', key];
  const values = declarableSettings.get(key);
  if (values === undefined) {
    const guess = nearest(key, declarableSettings.keys());
    const remedy =
      guess === undefined
        ? 'Only keys that concern offload can be declared: docs/configuration.md lists them.'
        : `Did you mean "${guess}"?`;
    report(path, `"${safeText(key, 64)}" is no setting of offload that can be declared`, remedy);
  } else if (!takesValue(values, value)) {
    const guess = values.kind === 'words' ? nearest(value, values.words) : undefined;
    const remedy = guess === undefined ? undefined : `Did you mean "${guess}"?`;
    report(path, `${key} cannot be "${safeText(value, 80)}"; allowed: ${settingValuesText(values)}`, remedy);
  }
}
