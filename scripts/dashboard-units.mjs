// Numbers of a dashboard as text, for scripts/draw-dashboard.mjs: the units that deploy/grafana uses, as Grafana shortens them.

const thousands = ['', 'k', 'M', 'G', 'T'];
const binary = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
const suffixes = { Bps: 'B/s', pps: ' p/s', opm: ' /min', short: '' };

/** Three digits that matter, without zeros at the end. */
function digits(value, decimals) {
  if (decimals !== undefined) return value.toFixed(decimals);
  const size = Math.abs(value);
  const text = value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 0.1 || size === 0 ? 2 : 3);
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

function scaled(value, base, decimals) {
  let power = 0;
  while (Math.abs(value) / base ** power >= base && power < thousands.length - 1) power += 1;
  return { power, text: digits(value / base ** power, power === 0 ? decimals : undefined) };
}

function duration(seconds, decimals) {
  const size = Math.abs(seconds);
  if (seconds === 0) return '0 s';
  if (size < 1e-3) return `${digits(seconds * 1e6, decimals)} µs`;
  if (size < 1) return `${digits(seconds * 1e3, decimals)} ms`;
  if (size < 60) return `${digits(seconds, decimals)} s`;
  if (size < 3600) return `${digits(seconds / 60, decimals)} min`;
  return size < 86400 ? `${digits(seconds / 3600, decimals)} h` : `${digits(seconds / 86400, decimals)} d`;
}

/** @param unit as `fieldConfig.defaults.unit` of a panel */
export function format(value, unit = 'short', decimals = undefined) {
  if (unit === 's') return duration(value, decimals);
  if (unit === 'percentunit') return `${digits(value * 100, decimals)} %`;
  if (unit === 'bytes') {
    const { power, text } = scaled(value, 1024, decimals);
    return `${text} ${binary[power]}`;
  }
  const suffix = suffixes[unit];
  if (suffix === undefined) throw new Error(`no way to write the unit ${unit}`);
  const { power, text } = scaled(value, 1000, decimals);
  return unit === 'Bps'
    ? `${text} ${thousands[power]}${suffix}`
    : `${text}${power > 0 ? ` ${thousands[power]}` : ''}${suffix}`;
}

/** The distance of about four marks up to `highest`: 1, 2 or 5 times a power of ten (of bytes: of two). */
export function tickStep(highest, unit, decimals) {
  if (unit === 'bytes') return 2 ** Math.ceil(Math.log2(highest / 4));
  // Beyond a minute marks stand at whole halves and quarters of it.
  if (unit === 's' && highest > 60)
    return [15, 30, 60, 120, 300, 600, 1800, 3600].find((size) => highest / size <= 5) ?? highest / 4;
  const power = 10 ** Math.floor(Math.log10(highest / 4));
  const size = [1, 2, 5, 10].find((factor) => highest / (factor * power) <= 4.5) * power;
  return decimals === 0 ? Math.max(1, size) : size;
}
