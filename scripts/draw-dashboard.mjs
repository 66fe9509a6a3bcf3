// Draws a dashboard of deploy/grafana as one SVG, from what a Prometheus answers to the expressions of its panels. For the guide:
// it shows what the panels say, not how Grafana would paint them. Of the format it knows what these dashboards use.
//   node scripts/draw-dashboard.mjs DASHBOARD.json http://HOST:PORT FROM TO OUT.svg [VARIABLE=VALUE ...]
// FROM and TO are seconds since 1970. The variable `scrape` is the scrape interval in seconds that $__rate_interval is made of
// (15, as in Grafana, where it is not given); the others are those of the dashboard.
import { readFileSync, writeFileSync } from 'node:fs';
import { format, tickStep } from './dashboard-units.mjs';

const [file, server, fromText, toText, out, ...pairs] = process.argv.slice(2);
if (out === undefined) {
  console.error('usage: node scripts/draw-dashboard.mjs DASHBOARD.json URL FROM TO OUT.svg [VARIABLE=VALUE ...]');
  process.exit(64);
}
const [from, to] = [Number(fromText), Number(toText)];
const variables = Object.fromEntries(pairs.map((pair) => pair.split(/=(.*)/s)));

/** Sizes in pixels; Grafana's grid has 24 columns. */
const width = 1200;
const gap = 8;
const unitHeight = 27;
const titleHeight = 26;
const pointsMax = 150;

const colours = {
  ...{ ground: '#f4f5f5', panel: '#ffffff', edge: '#dcdfe3', text: '#24292e', faint: '#6a737d', grid: '#eceef0' },
  ...{ red: '#d9383a', green: '#2f9e55', yellow: '#d99a00', blue: '#3274d9' },
};
const palette = [
  '#2f9e55',
  '#d99a00',
  '#3274d9',
  '#d9383a',
  '#8f5bd0',
  '#e0752d',
  '#0f9aa8',
  '#c15c9a',
  '#6b7a1f',
  '#7a6a5b',
];
/** A line that is the sum of the others. */
const sumColour = '#8a939c';

const step = Math.max(1, Math.ceil((to - from) / pointsMax));
const scrape = Number(variables.scrape ?? 15);
// https://grafana.com/docs/grafana/latest/datasources/prometheus/template-variables/
const rateInterval = `${Math.max(step + scrape, 4 * scrape)}s`;

async function ask(path, parameters) {
  const answer = await fetch(new URL(`/api/v1/${path}`, server), {
    method: 'POST',
    body: new URLSearchParams(parameters),
  });
  const { status, error, data } = await answer.json();
  if (status !== 'success') throw new Error(`${error}: ${parameters.query}`);
  return data.result;
}

function fill(expr) {
  return expr.replaceAll(/\$(?:\{(\w+)\}|(\w+))/g, (_, braced, plain) => {
    const name = braced ?? plain;
    const value = name === '__rate_interval' ? rateInterval : variables[name];
    if (value === undefined) throw new Error(`give a value to ${name}: ${expr}`);
    return value;
  });
}

const legend = (text, labels) => text.replaceAll(/\{\{\s*(\w+)\s*\}\}/g, (_, name) => labels[name] ?? '').trim();

/** The answers of all targets of a panel as series: name, labels, points `[seconds, value]`. */
async function read({ targets = [] }) {
  const series = [];
  for (const { expr, instant, legendFormat = '' } of targets) {
    const query = fill(expr);
    const range = { query, start: from, end: to, step };
    const result = instant === true ? await ask('query', { query, time: to }) : await ask('query_range', range);
    for (const { metric, value, values } of result) {
      const points = (values ?? [value])
        .map(([at, text]) => [at, Number(text)])
        .filter(([, number]) => !Number.isNaN(number));
      if (points.length > 0) series.push({ name: legend(legendFormat, metric), labels: metric, points });
    }
  }
  return series;
}

const escape = (text) => String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const round = (value) => Math.round(value * 10) / 10;
/** How wide a text is, about: SVG cannot be asked. */
const textWidth = (text, size) => String(text).length * size * 0.56;

function text(x, y, content, { size = 11, fill: colour = colours.text, anchor = 'start', weight = 400 } = {}) {
  const bold = weight === 400 ? '' : ` font-weight="${weight}"`;
  const at = anchor === 'start' ? '' : ` text-anchor="${anchor}"`;
  return `<text x="${round(x)}" y="${round(y)}" font-size="${size}" fill="${colour}"${at}${bold}>${escape(content)}</text>`;
}

const box = (x, y, w, h, colour, more = '') =>
  `<rect x="${round(x)}" y="${round(y)}" width="${round(w)}" height="${round(h)}" fill="${colour}"${more}/>`;

function cut(content, size, room) {
  const count = Math.floor(room / (size * 0.56));
  return content.length <= count ? content : `${content.slice(0, Math.max(1, count - 1))}…`;
}

/** What a value is shown as, and in which colour: mappings first, thresholds else. */
function shown(value, { mappings = [], thresholds, unit, decimals }) {
  const mapped = mappings.find(({ options }) => options[value] !== undefined)?.options[value];
  const steps = thresholds?.steps ?? [];
  const reached = steps.filter((entry) => entry.value === null || value >= entry.value).at(-1);
  return {
    label: mapped?.text ?? format(value, unit, decimals),
    colour: colours[mapped?.color ?? reached?.color] ?? colours.blue,
  };
}

function drawStat({ fieldConfig }, series, { x, y, w, h }) {
  const { defaults } = fieldConfig;
  const value = series[0]?.points.at(-1)?.[1];
  const { label, colour } =
    value === undefined ? { label: defaults.noValue ?? 'no data', colour: sumColour } : shown(value, defaults);
  const size = Math.min(30, (w - 16) / (label.length * 0.56));
  const middle = y + titleHeight + (h - titleHeight) / 2 - 4;
  return [
    box(x, y + titleHeight, w, h - titleHeight, colour, ' rx="3"'),
    text(x + w / 2, middle + size * 0.45, label, { size: round(size), fill: '#ffffff', anchor: 'middle', weight: 600 }),
  ];
}

/** Marks of the time axis and the lines above them. */
function timeAxis({ left, right, top, bottom }) {
  const seconds = [15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 86400];
  const every = seconds.find((size) => ((to - from) / size) * 62 <= right - left) ?? 86400;
  const parts = [];
  for (let at = Math.ceil(from / every) * every; at <= to; at += every) {
    const x = left + ((at - from) / (to - from)) * (right - left);
    const clock = new Date(at * 1e3).toISOString().slice(11, every < 60 ? 19 : 16);
    parts.push(box(x, top, 1, bottom - top, colours.grid));
    if (x > left + 10 && x < right - 12)
      parts.push(text(x, bottom + 13, clock, { size: 10, fill: colours.faint, anchor: 'middle' }));
  }
  return parts;
}

/** Legend entries in rows below a graph; names that do not fit are cut. */
function placeLegend(series, { x, w }) {
  const rows = [[]];
  let at = x + 10;
  for (const { name, colour } of series) {
    const label = cut(name, 10, w / 2);
    const wide = textWidth(label, 10) + 24;
    if (at + wide > x + w && rows.at(-1).length > 0) {
      rows.push([]);
      at = x + 10;
    }
    rows.at(-1).push({ at, label, colour });
    at += wide;
  }
  return rows;
}

const isGap = (points, index) => index > 0 && points[index][0] - points[index - 1][0] > step * 1.5;

/** One path; points on a straight level line are left out. */
function linePath(points, toX, toY) {
  let path = '';
  for (const [index, [at, value]] of points.entries()) {
    const [before, after] = [points[index - 1], points[index + 1]];
    const isLevel = before?.[1] === value && after?.[1] === value && !isGap(points, index) && !isGap(points, index + 1);
    if (isLevel) continue;
    path += `${index === 0 || isGap(points, index) ? 'M' : 'L'}${round(toX(at))} ${round(toY(value))}`;
  }
  return path;
}

function drawSeries({ fieldConfig }, found, { x, y, w, h }) {
  const { unit, decimals, noValue = 'no data' } = fieldConfig.defaults;
  if (found.length === 0) return [text(x + w / 2, y + h / 2, noValue, { fill: colours.faint, anchor: 'middle' })];
  let next = 0;
  const series = found.map((one) => ({
    ...one,
    colour: one.name === 'all' ? sumColour : palette[next++ % palette.length],
  }));
  const rows = placeLegend(series, { x, w });
  const values = series.flatMap(({ points }) => points.map(([, value]) => value));
  const highest = Math.max(...values, 0);
  const size = tickStep(highest || 1, unit, decimals);
  const top = Math.max(1, Math.ceil(highest / size - 1e-9)) * size;
  const area = { left: x + 58, right: x + w - 10, top: y + titleHeight + 8, bottom: y + h - 22 - rows.length * 15 };
  const toX = (at) => area.left + ((at - from) / (to - from)) * (area.right - area.left);
  const toY = (value) => area.bottom - (value / top) * (area.bottom - area.top);
  const parts = timeAxis(area);
  for (let mark = 0; mark <= top + size / 2; mark += size) {
    parts.push(box(area.left, toY(mark), area.right - area.left, 1, colours.grid));
    parts.push(
      text(area.left - 6, toY(mark) + 4, format(mark, unit, decimals), {
        size: 10,
        fill: colours.faint,
        anchor: 'end',
      }),
    );
  }
  // The sum of the others lies below them.
  const isSum = ({ colour }) => colour === sumColour;
  for (const { points, colour } of [...series.filter(isSum), ...series.filter((one) => !isSum(one)).reverse()]) {
    parts.push(
      `<path d="${linePath(points, toX, toY)}" fill="none" stroke="${colour}" stroke-width="1.4" stroke-linejoin="round" stroke-linecap="round"/>`,
    );
  }
  for (const [index, row] of rows.entries()) {
    const bottom = y + h - 8 - (rows.length - 1 - index) * 15;
    for (const { at, label, colour } of row)
      parts.push(box(at, bottom - 5, 10, 3, colour), text(at + 14, bottom, label, { size: 10 }));
  }
  return parts;
}

function drawTimeline({ fieldConfig }, series, { x, y, w, h }) {
  const area = { left: x + 126, right: x + w - 10, top: y + titleHeight + 4, bottom: y + h - 20 };
  const toX = (at) => area.left + ((at - from) / (to - from)) * (area.right - area.left);
  const high = (area.bottom - area.top) / Math.max(1, series.length);
  const parts = timeAxis(area);
  for (const [index, { name, points }] of series.entries()) {
    const top = area.top + index * high;
    parts.push(text(area.left - 6, top + high / 2 + 4, cut(name, 10, 118), { size: 10, anchor: 'end' }));
    for (let first = 0; first < points.length;) {
      let last = first;
      while (last + 1 < points.length && points[last + 1][1] === points[first][1] && !isGap(points, last + 1))
        last += 1;
      const end = Math.min(to, points[last][0] + step);
      const left = toX(points[first][0]);
      parts.push(
        box(
          left,
          top + high * 0.12,
          toX(end) - left,
          high * 0.76,
          shown(points[first][1], fieldConfig.defaults).colour,
        ),
      );
      first = last + 1;
    }
  }
  return parts;
}

/** Columns as the transformation of the panel orders and names them. */
function columnsOf({ transformations = [] }) {
  const { indexByName = {}, renameByName = {} } = transformations.find(({ id }) => id === 'organize')?.options ?? {};
  const names = Object.keys(indexByName).sort((a, b) => indexByName[a] - indexByName[b]);
  return names.map((name) => ({ name, title: renameByName[name] ?? name }));
}

function drawTable(panel, series, { x, y, w, h }) {
  const { unit, noValue = 'no data' } = panel.fieldConfig.defaults;
  if (series.length === 0) return [text(x + w / 2, y + h / 2, noValue, { fill: colours.faint, anchor: 'middle' })];
  const columns = columnsOf(panel);
  const cells = series.map(({ labels, points }) =>
    columns.map(({ name }) => (name === 'Value' ? format(points[0][1], unit) : (labels[name] ?? ''))),
  );
  const lineHeight = 21;
  const room = Math.floor((h - titleHeight - 8) / lineHeight) - 1;
  // As wide as what stands in it, and what is left is shared.
  const needs = columns.map(
    ({ title }, column) =>
      Math.max(...[title, ...cells.map((row) => row[column])].map((cell) => textWidth(cell, 11))) + 16,
  );
  const spare = (w - 20 - needs.reduce((sum, need) => sum + need, 0)) / columns.length;
  const wides = needs.map((need) => need + spare);
  const lefts = wides.map((_, column) => x + 10 + wides.slice(0, column).reduce((sum, wide) => sum + wide, 0));
  const parts = columns.map(({ title }, column) =>
    text(lefts[column], y + titleHeight + 16, title, { fill: colours.faint, weight: 600 }),
  );
  for (const [index, row] of cells.slice(0, room).entries()) {
    const bottom = y + titleHeight + 16 + (index + 1) * lineHeight;
    parts.push(box(x + 10, bottom - 15, w - 20, 1, colours.grid));
    parts.push(...row.map((cell, column) => text(lefts[column], bottom, cut(cell, 11, wides[column] - 6))));
  }
  return parts;
}

const painters = { stat: drawStat, timeseries: drawSeries, 'state-timeline': drawTimeline, table: drawTable };

async function drawPanel(panel, top) {
  const { x: column, y: line, w, h } = panel.gridPos;
  const unit = (width - gap) / 24;
  const place = { x: gap + column * unit, y: top + line * unitHeight, w: w * unit - gap, h: h * unitHeight - gap };
  if (panel.type === 'row') return [text(place.x + 2, place.y + 16, panel.title, { size: 14, weight: 600 })];
  const paint = painters[panel.type];
  if (paint === undefined) throw new Error(`no way to draw a panel of type ${panel.type}`);
  const inside = paint(panel, await read(panel), place);
  const frame = box(place.x, place.y, place.w, place.h, colours.panel, ` stroke="${colours.edge}" rx="3"`);
  const title = cut(panel.title, 12, place.w - 12);
  return [frame, text(place.x + 10, place.y + 17, title, { size: 12, weight: 600 }), ...inside];
}

const board = JSON.parse(readFileSync(file, 'utf8'));
const head = 40;
const parts = [];
for (const panel of board.panels) parts.push(...(await drawPanel(panel, head)));
const height = head + Math.max(...board.panels.map(({ gridPos }) => gridPos.y + gridPos.h)) * unitHeight + gap;
const day = new Date(from * 1e3).toISOString().slice(0, 10);
const named = board.templating.list.filter(({ name }) => name !== 'datasource').map(({ name }) => variables[name]);
const heading = [board.title, ...named].join(' ');
writeFileSync(
  out,
  [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="Inter, 'DejaVu Sans', Helvetica, Arial, sans-serif">`,
    `<title>${escape(board.title)}, drawn by scripts/draw-dashboard.mjs from ${escape(file.split('/').at(-1))}</title>`,
    box(0, 0, width, height, colours.ground),
    text(gap + 2, 26, heading, { size: 17, weight: 600 }),
    text(width - gap, 26, `${day} UTC, drawn by scripts/draw-dashboard.mjs, not by Grafana`, {
      fill: colours.faint,
      anchor: 'end',
    }),
    ...parts,
    '</svg>',
    '',
  ].join('\n'),
);
console.log(`${out}: ${board.panels.length} panels, rates over ${rateInterval}`);
