/** The API's bench: `npm run bench -- api [case ...] [--quick]`. Figures of one machine: trust ratios, not digits. */
import { runSuite, type Cases } from '../suite.js';
import { scrape, type ScrapeEffort } from './scrape.js';
import { type Effort, watchers } from './watchers.js';

const cases: Cases<Effort & ScrapeEffort> = { watchers, scrape };

await runSuite(cases, {
  // A ring of 1024 steps turns over in 20 to 40 s; the quick run has a smaller one.
  quick: { runMs: 6_000, stepCountMax: 100, scrapeCount: 20, commandCount: 5 },
  full: { runMs: 45_000, stepCountMax: 1024, scrapeCount: 200, commandCount: 20 },
});
