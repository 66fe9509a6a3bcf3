/** The settings of section `offload` as the documentation's table has them, made from what src/offload knows of them. */
import {
  formatValueRule,
  type SettingDanger,
  type SettingRule,
  type TakesEffect,
} from '../../src/offload/setting-rule.js';
import { declarableRules } from '../../src/offload/setting-rules.js';

const effects: Readonly<Record<TakesEffect, string>> = {
  live: 'at once',
  latch: 'true at once, false by a restart',
  atLatch: 'when hw-offload turns on',
  release: 'false at once, true by a restart',
  init: 'by a restart',
  restart: 'by a restart',
  newObjects: 'for new bridges',
  never: 'at boot',
};

function dangerText({ when }: SettingDanger): string {
  switch (when.kind) {
    case 'any':
      return 'any';
    case 'to':
      return `to ${when.value}`;
    case 'from':
      return `away from ${when.value}`;
    case 'underDoca':
      return 'any, under OVS-DOCA';
  }
}

function effectText({ takesEffect, takesEffectUnderDoca }: SettingRule): string {
  const usual = effects[takesEffect];
  return takesEffectUnderDoca === undefined ? usual : `${usual}; under OVS-DOCA ${effects[takesEffectUnderDoca]}`;
}

/** As Markdown. */
export function settingsTable(): string {
  const lines = declarableRules.map((rule) => {
    const dangers = rule.dangers.map(dangerText).join(', ');
    return `| \`${rule.key}\` | ${formatValueRule(rule.value)} | ${effectText(rule)} | ${dangers} |`;
  });
  return [
    '| Setting | Takes | A change takes effect | Changes left to a person |',
    '| --- | --- | --- | --- |',
    ...lines,
  ].join('\n');
}
