/** Child: a process that does nothing, for its memory. */
import process from 'node:process';
import { report } from '../measure.js';

report({ rss: process.memoryUsage().rss });
