// Runs one scenario in Chromium: node run.mjs NAME, with the server's binary in ROOMCAST.

import { chromium } from 'playwright-core';
import * as scenarios from './scenarios.mjs';
import { endAll } from './server.mjs';

const name = process.argv[2];
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  // A name that somebody has made point here.
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--host-resolver-rules=MAP evil.example 127.0.0.1'],
});
let failure = null;
try {
  await scenarios[name](browser);
} catch (error) {
  failure = error;
}
await browser.close();
endAll();
if (failure) {
  console.error(failure);
  process.exit(1);
}
process.exit(0);
