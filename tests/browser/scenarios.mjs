// What people do with the page. Each function is a test of its own.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Link, Program, eventually, get, startRedis, startServer } from './server.mjs';

/// A page in a browser of its own; what goes wrong in it fails the test.
async function openPage(browser, url, { name, viewport, colorScheme, prepare } = {}) {
  // Certificates are made by the server.
  const context = await browser.newContext({ viewport: viewport ?? { width: 1000, height: 700 }, colorScheme, ignoreHTTPSErrors: true });
  const page = await context.newPage();
  if (prepare) await page.addInitScript(prepare);
  page.problems = [];
  page.on('pageerror', error => page.problems.push(String(error)));
  page.on('console', message => {
    // A connection that breaks is no mistake of the page.
    if (message.type() === 'error' && !/WebSocket|Failed to load resource/.test(message.text())) page.problems.push(message.text());
  });
  await page.goto(url);
  if (name) {
    await page.getByRole('textbox', { name: 'Your name' }).fill(name);
    await page.keyboard.press('Enter');
    await page.locator('#rename', { hasText: name }).waitFor();
  }
  return page;
}

const field = page => page.getByRole('textbox', { name: 'Message' });

async function say(page, line) {
  await field(page).fill(line);
  await page.keyboard.press('Enter');
}

/// The texts that the page shows, in their order.
const shown = page => page.locator('#lines p').allTextContents();

async function sees(page, text) {
  await eventually(async () => `"${text}" on the page, which shows ${JSON.stringify(await shown(page))}`, async () => (await shown(page)).includes(text));
}

async function isWell(...pages) {
  for (const page of pages) assert.deepEqual(page.problems, []);
}

/// Two browsers, a telnet and a netcat are in one room.
export async function people_talk_across_programs(browser) {
  const { port } = await startServer();
  const ann = await openPage(browser, `http://127.0.0.1:${port}/`, { name: 'ann' });
  const bob = await openPage(browser, `http://localhost:${port}/lobby`, { name: 'bob' });
  const nc = new Program('nc', ['127.0.0.1', String(port)]);
  const telnet = Program.onTerminal(`telnet 127.0.0.1 ${port}`);
  nc.say('/nick nina');
  await nc.hears('*** you are now nina');
  // What is typed before telnet has set up its terminal is lost.
  await eventually(() => 'the greeting', () => telnet.said.includes('welcome, guest'));
  telnet.say('/nick tom');
  await eventually(() => 'a new name', () => /(you are|is) now tom/.test(telnet.said));
  await say(ann, 'hello from a page');
  await nc.hears('<ann> hello from a page');
  await eventually(() => 'telnet', () => telnet.said.includes('<ann> hello from a page'));
  await sees(bob, 'ann hello from a page');
  await sees(ann, 'ann hello from a page');
  nc.say('hello from nc');
  telnet.say('hello from telnet');
  for (const page of [ann, bob]) {
    await sees(page, 'nina hello from nc');
    await sees(page, 'tom hello from telnet');
  }
  // What others say is text, and a link is safe.
  nc.say('<img src=x onerror=alert(1)> see https://example.com/a?b=c.');
  await sees(bob, 'nina <img src=x onerror=alert(1)> see https://example.com/a?b=c.');
  const link = bob.locator('#lines a');
  assert.equal(await link.getAttribute('href'), 'https://example.com/a?b=c');
  assert.equal(await link.getAttribute('rel'), 'noopener noreferrer');
  assert.equal(await bob.locator('#lines img').count(), 0);
  await say(bob, '/msg ann psst');
  await sees(ann, 'bob to you: psst');
  await sees(bob, 'to ann: psst');
  await say(bob, '/me waves');
  await nc.hears('* bob waves');
  // Several lines that are pasted are several lines.
  await field(ann).fill('one\ntwo');
  await ann.keyboard.press('Enter');
  await nc.hears('<ann> two');
  // Nothing waits any more, and each own line is there once.
  await eventually(() => 'nothing waits', async () => await ann.locator('.waiting').count() === 0);
  assert.equal((await shown(ann)).filter(text => text === 'ann hello from a page').length, 1);
  await isWell(ann, bob);
}

/// A connection that breaks in any way costs no line and doubles none.
export async function a_page_comes_back_without_a_hole_or_a_double(browser) {
  const { port } = await startServer();
  const link = await new Link(port).listen();
  const ann = await openPage(browser, `http://127.0.0.1:${link.port}/`, { name: 'ann' });
  const nc = new Program('nc', ['127.0.0.1', String(port)]);
  nc.say('/nick nina');
  await nc.hears('*** you are now nina');
  nc.say('before');
  await sees(ann, 'nina before');
  for (const way of ['cut', 'deaf up', 'deaf down']) {
    // Deaf upwards, the line is lost on its way; downwards it is said, and its echo lost.
    link.isDeafUp = way === 'deaf up';
    link.isDeafDown = way === 'deaf down';
    if (way === 'cut') {
      link.cut();
      await ann.locator('#state.bad').waitFor();
    }
    await say(ann, `mine, ${way}`);
    if (way === 'deaf down') await nc.hears(`<ann> mine, ${way}`);
    for (let number = 1; number <= 3; number += 1) nc.say(`${way} ${number}`);
    nc.say('/seq');
    link.cut();
    await ann.locator('#state.bad').waitFor();
    link.mend();
    await ann.evaluate(() => dispatchEvent(new Event('online')));
    await eventually(() => 'our line is said', () => nc.lines().filter(line => line.endsWith(`> mine, ${way}`)).length);
    await sees(ann, `nina ${way} 3`);
    await eventually(() => 'nothing waits', async () => await ann.locator('.waiting').count() === 0);
    const texts = (await shown(ann)).filter(text => text.includes(way) && !text.includes('/'));
    const mine = texts.filter(text => text.includes('mine'));
    assert.equal(mine.length, 1, JSON.stringify(texts));
    assert.deepEqual(texts.filter(text => text.startsWith('nina')), [1, 2, 3].map(number => `nina ${way} ${number}`));
    assert.equal(nc.lines().filter(line => line.includes(`mine, ${way}`)).length, 1, nc.said);
  }
  // And it has its name again.
  await ann.locator('#rename', { hasText: 'ann' }).waitFor();
  await isWell(ann);
}

/// A connection that is dead without a word is found when the phone wakes up.
export async function a_dead_connection_is_found(browser) {
  const { port } = await startServer();
  const link = await new Link(port).listen();
  const ann = await openPage(browser, `http://127.0.0.1:${link.port}/`, { name: 'ann' });
  link.isDeafUp = link.isDeafDown = true;
  const curl = await fetch(`http://127.0.0.1:${port}/lobby?nick=ci`, { method: 'POST', body: 'while you slept\n' });
  assert.equal(curl.status, 200);
  const dead = [...link.sockets];
  await ann.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
  // New connections work.
  link.mend();
  dead.forEach(socket => socket.pause());
  await sees(ann, 'ci while you slept');
  // And it has its name at once, though the server hasn't noticed that its old connection is dead.
  assert.equal(await ann.locator('#rename').textContent(), 'ann');
  await isWell(ann);
}

/// After a restart of the server the page goes on by itself, and says so.
export async function a_page_survives_a_restart(browser) {
  const { port, child } = await startServer();
  const ann = await openPage(browser, `http://127.0.0.1:${port}/`, { name: 'ann' });
  await say(ann, 'before');
  await eventually(() => 'it is said', async () => await ann.locator('.waiting').count() === 0);
  child.kill('SIGKILL');
  await ann.locator('#state.bad').waitFor();
  await say(ann, 'meanwhile');
  await startServer([], port);
  await ann.evaluate(() => dispatchEvent(new Event('online')));
  await eventually(() => 'it is said', async () => await ann.locator('.waiting').count() === 0);
  const texts = await shown(ann);
  assert.ok(texts.some(text => text.startsWith('the server has restarted')), JSON.stringify(texts));
  assert.ok(texts.includes('ann before') && texts.includes('ann meanwhile'), JSON.stringify(texts));
  // What is lost is said where everyone sees it.
  assert.match(await ann.locator('.gap').textContent(), /earlier lines are gone/);
  await isWell(ann);
}

/// With a store the page goes on after a crash as if nothing had happened, and finds words.
export async function a_page_goes_on_where_it_was_with_a_store(browser) {
  const data = mkdtempSync(join(tmpdir(), 'roomcast-'));
  try {
    const { port, child } = await startServer(['--data', data]);
    const ann = await openPage(browser, `http://127.0.0.1:${port}/`, { name: 'ann' });
    await sees(ann, 'what is said here is kept');
    await say(ann, 'soup for lunch');
    await eventually(() => 'it is said', async () => await ann.locator('.waiting').count() === 0);
    // What is found is written.
    await ann.getByRole('button', { name: 'Search this room' }).click();
    await ann.locator('#ask input').fill('soup');
    await ann.keyboard.press('Enter');
    await sees(ann, '1 line has all these words:');
    child.kill('SIGKILL');
    await ann.locator('#state.bad').waitFor();
    await say(ann, 'meanwhile');
    await startServer(['--data', data], port);
    await ann.evaluate(() => dispatchEvent(new Event('online')));
    await eventually(() => 'it is said', async () => await ann.locator('.waiting').count() === 0);
    await sees(ann, 'the server stopped without warning: what was said in its last moments may be missing');
    const texts = await shown(ann);
    for (const text of ['ann soup for lunch', 'ann meanwhile']) {
      assert.equal(texts.filter(other => other === text).length, 1, JSON.stringify(texts));
    }
    assert.equal(await ann.locator('.gap').count(), 0);
    await isWell(ann);
  } finally {
    rmSync(data, { recursive: true });
  }
}

/// The page asks for the password, or has it from its address, where it doesn't stay.
export async function a_password_is_asked_for(browser) {
  const { port } = await startServer(['--password-file', process.env.PASSWORD_FILE]);
  const url = `http://127.0.0.1:${port}/`;
  const ann = await openPage(browser, url);
  await ann.getByRole('textbox', { name: 'Your name' }).fill('ann');
  await ann.keyboard.press('Enter');
  await ann.getByRole('textbox', { name: 'Password' }).fill('wrong');
  await ann.keyboard.press('Enter');
  await ann.getByText('wrong password').waitFor();
  await ann.getByRole('textbox', { name: 'Password' }).fill('open sesame');
  await ann.keyboard.press('Enter');
  await ann.locator('#rename', { hasText: 'ann' }).waitFor();
  const bob = await openPage(browser, `${url}#password=open%20sesame`, { name: 'bob' });
  assert.equal(bob.url(), `${url}lobby`);
  await say(bob, 'I had a link');
  await sees(ann, 'bob I had a link');
  // It isn't asked again when the page is loaded anew.
  await ann.reload();
  await ann.locator('#rename', { hasText: 'ann' }).waitFor();
  await isWell(ann, bob);
}

/// Lines without a number, of a server that can't reach the others, are shown like all others,
/// and aren't taken for the question for the password.
export async function a_link_that_is_down_gives_no_password_away(browser) {
  const redis = await startRedis();
  const { port } = await startServer(['--cluster', redis.url, '--password-file', process.env.PASSWORD_FILE]);
  const nc = new Program('nc', ['127.0.0.1', String(port)]);
  nc.say('open sesame');
  nc.say('/nick nina');
  await nc.hears('*** you are now nina');
  const ann = await openPage(browser, `http://127.0.0.1:${port}/#password=open%20sesame`, { name: 'ann' });
  redis.child.kill('SIGSTOP');
  await sees(ann, 'the link to the other servers is down: until it is back, lines reach this server only');
  nc.say('all alone');
  await sees(ann, 'nina all alone');
  await say(ann, 'me too');
  await nc.hears('<ann> me too');
  await eventually(() => 'nothing waits', async () => await ann.locator('.waiting').count() === 0);
  nc.say('so it is');
  await sees(ann, 'nina so it is');
  assert.equal(await ann.locator('dialog[open]').count(), 0);
  assert.ok(!nc.said.includes('open sesame'), nc.said);
  redis.child.kill('SIGCONT');
  await sees(ann, 'the link to the other servers is back');
  await isWell(ann);
}

/// What the server doesn't say is marked, and not sent again.
export async function what_is_not_said_waits_no_more(browser) {
  const { port } = await startServer();
  const nc = new Program('nc', ['127.0.0.1', String(port)]);
  nc.say('/nick nina');
  await nc.hears('*** you are now nina');
  const ann = await openPage(browser, `http://127.0.0.1:${port}/`, { name: 'ann' });
  const isMarked = what => ann.locator('.gap', { hasText: what }).waitFor();
  await say(ann, 'help');
  await isMarked('not sent');
  // One that is too long ends the connection, once.
  await say(ann, 'x'.repeat(5000));
  await isMarked('not sent: too long');
  await say(ann, 'this is shorter');
  await nc.hears('<ann> this is shorter');
  await eventually(() => 'nothing waits', async () => await ann.locator('.waiting').count() === 0);
  assert.equal(nc.lines().filter(line => /ann.* joined/.test(line)).length, 2, nc.said);
  // Whatever the case, the page stays with JSON.
  await say(ann, '/Format text');
  nc.say('still there?');
  await sees(ann, 'nina still there?');
  await isWell(ann);
}

/// A page keeps only a name that it was given, and takes no other one by itself.
export async function a_refused_name_is_not_taken_later(browser) {
  const { port } = await startServer();
  const [nina, tom] = ['nina', 'tom'].map(() => new Program('nc', ['127.0.0.1', String(port)]));
  nina.say('/nick nina');
  tom.say('/nick tom');
  await nina.hears('*** you are now nina');
  await tom.hears('*** you are now tom');
  const ann = await openPage(browser, `http://127.0.0.1:${port}/`, { name: 'ann' });
  await say(ann, '/nick nina');
  await eventually(() => 'the refusal', async () => (await shown(ann)).some(text => text.includes('nina is taken')));
  nina.say('/quit');
  await eventually(() => 'nina has left', async () => (await shown(ann)).some(text => text.startsWith('nina left')));
  await say(ann, 'it is me');
  await tom.hears('<ann> it is me');
  assert.equal(await ann.evaluate(() => localStorage.getItem('roomcast.name')), 'ann');
  assert.ok(!tom.said.includes('ann is now nina'), tom.said);
  await isWell(ann);
}

/// A page of another site reaches nothing, whatever it tries.
export async function another_site_reaches_nothing(browser) {
  const { port } = await startServer();
  const nc = new Program('nc', ['127.0.0.1', String(port)]);
  nc.say('/nick nina');
  await nc.hears('*** you are now nina');
  const evil = http.createServer((request, answer) => {
    answer.setHeader('Content-Type', 'text/html');
    answer.end(`<!doctype html><form method=post target=frame enctype=text/plain action="http://127.0.0.1:${port}/lobby"><input name=forged value=form></form><iframe name=frame></iframe>`);
  });
  await new Promise(resolve => evil.listen(0, '127.0.0.1', resolve));
  const page = await (await browser.newContext()).newPage();
  // A name that points here is no name of ours.
  const rebound = await page.goto(`http://evil.example:${port}/lobby`);
  assert.equal(rebound.status(), 403);
  // Another host for the browser, and the same machine.
  await page.goto(`http://localhost:${evil.address().port}/`);
  const target = `127.0.0.1:${port}`;
  const isForm = answer => answer.request().isNavigationRequest() && answer.request().method() === 'POST';
  const form = page.waitForResponse(isForm);
  const outcome = await page.evaluate(async target => {
    const result = {};
    const attempt = async (name, action) => { try { result[name] = await action(); } catch (error) { result[name] = String(error.name); } };
    await attempt('post', async () => (await fetch(`http://${target}/lobby`, { method: 'POST', mode: 'no-cors', body: 'forged by fetch\n' })).type);
    await attempt('beacon', async () => navigator.sendBeacon(`http://${target}/lobby`, 'forged by beacon\n'));
    await attempt('read', async () => (await fetch(`http://${target}/lobby?poll=1&since=all`)).text());
    await attempt('socket', () => new Promise(resolve => {
      const socket = new WebSocket(`ws://${target}/lobby?nick=evil`);
      socket.onopen = () => { socket.send('forged by socket'); resolve('open'); };
      socket.onerror = () => resolve('refused');
    }));
    await attempt('events', () => new Promise(resolve => {
      const events = new EventSource(`http://${target}/lobby?since=all`);
      events.onmessage = () => resolve('open');
      events.onerror = () => { events.close(); resolve('refused'); };
    }));
    await attempt('frame', () => new Promise(resolve => {
      const frame = document.createElement('iframe');
      frame.src = `http://${target}/lobby`;
      frame.onload = () => resolve('loaded');
      document.body.append(frame);
    }));
    document.forms[0].submit();
    return result;
  }, target);
  assert.equal(outcome.post, 'TypeError');
  assert.equal(outcome.read, 'TypeError');
  assert.equal(outcome.socket, 'refused');
  assert.equal(outcome.events, 'refused');
  assert.equal((await form).status(), 403);
  // The policy keeps the page out of frames of others: it never came in.
  assert.match((await get(port, '/metrics')).text, /kind="websocket"} 0/);
  nc.say('/seq');
  await eventually(() => 'an answer', () => nc.said.includes('is the newest'));
  assert.ok(!nc.said.includes('forged') && !nc.said.includes('evil'), nc.said);
  evil.close();
}

/// How many connections have come on which nothing was asked for.
async function connectionsWithoutRequest(port) {
  const { text } = await get(port, '/metrics');
  const count = name => Number(new RegExp(`^roomcast_${name} (\\d+)$`, 'm').exec(text)[1]);
  return count('clients_total') - count('requests_total');
}

/// The connections that a browser opens and doesn't use are nobody.
export async function spare_connections_are_nobody(browser) {
  const { port } = await startServer();
  const nc = new Program('nc', ['127.0.0.1', String(port)]);
  nc.say('/nick nina');
  await nc.hears('*** you are now nina');
  assert.equal(await connectionsWithoutRequest(port), 1);
  // Requests that are taken back as soon as they are made leave the browser connections that
  // it has opened for them.
  const hasty = await (await browser.newContext()).newPage();
  await hasty.goto(`http://127.0.0.1:${port}/healthz`);
  await eventually(() => 'spare connections', async () => {
    await hasty.evaluate(async () => {
      const taken = new AbortController();
      const ask = number => fetch(`/healthz?${number}`, { signal: taken.signal }).catch(() => {});
      const answers = [1, 2, 3, 4, 5, 6].map(ask);
      await new Promise(resolve => setTimeout(resolve, 2 * Math.random()));
      taken.abort();
      await Promise.all(answers);
    });
    return await connectionsWithoutRequest(port) > 2;
  });
  nc.say('/who');
  await eventually(() => `one here in ${JSON.stringify(nc.said)}`, () => /^\*\*\* 1 here; line/m.test(nc.said));
  for (const name of ['ann', 'bob', 'eve']) {
    const page = await openPage(browser, `http://127.0.0.1:${port}/`, { name });
    await page.reload();
    await page.locator('#rename', { hasText: name }).waitFor();
    await say(page, `I am ${name}`);
    await nc.hears(`<${name}> I am ${name}`);
    await page.context().close();
    await eventually(() => `${name} leaves`, () => nc.lines().filter(line => line.startsWith(`*** ${name} left`)).length === 2);
  }
  assert.ok(!nc.said.includes('guest1 joined'), nc.said);
  assert.ok(!/guest[2-9]/.test(nc.said), nc.said);
}

/// Everything can be done with the keyboard, and is there for a screen reader.
export async function the_keyboard_is_enough(browser) {
  const { port } = await startServer();
  const nc = new Program('nc', ['127.0.0.1', String(port)]);
  nc.say('/nick nina');
  await nc.hears('*** you are now nina');
  const ann = await openPage(browser, `http://127.0.0.1:${port}/`, { name: 'ann' });
  await ann.getByRole('log').waitFor();
  await ann.locator('#members', { hasText: 'nina' }).waitFor();
  // A command is completed, and a name.
  await field(ann).focus();
  await ann.keyboard.type('/wh');
  await ann.getByRole('option', { name: /^\/who\b/ }).waitFor();
  await ann.keyboard.press('ArrowDown');
  await ann.keyboard.press('ArrowDown');
  assert.equal(await ann.getByRole('option', { selected: true }).count(), 1);
  await ann.keyboard.press('Enter');
  assert.equal(await field(ann).inputValue(), '/whois ');
  await ann.keyboard.type('ni');
  await ann.keyboard.press('Tab');
  assert.equal(await field(ann).inputValue(), '/whois nina ');
  await ann.keyboard.press('Enter');
  await eventually(() => 'an answer', async () => (await shown(ann)).some(text => text.startsWith('nina:') || text.startsWith('nina ')));
  await ann.keyboard.type('ni');
  await ann.keyboard.press('Tab');
  assert.equal(await field(ann).inputValue(), 'nina: ');
  await ann.keyboard.type('hi');
  await ann.keyboard.press('Enter');
  await nc.hears('<ann> nina: hi');
  // Enter sends what was typed, whatever it could be completed to.
  await ann.keyboard.type('/msg nina I saw ni');
  await ann.keyboard.press('Enter');
  await nc.hears('<ann to you> I saw ni');
  await ann.keyboard.type('/op not-to-be-seen');
  await ann.keyboard.press('Enter');
  await sees(ann, 'there are no operators here');
  await field(ann).fill('nina: hi');
  await ann.keyboard.press('Enter');
  await eventually(() => 'it is said again', () => nc.lines().filter(line => line === '<ann> nina: hi').length === 2);
  // What was said last comes again.
  await ann.keyboard.press('ArrowUp');
  assert.equal(await field(ann).inputValue(), 'nina: hi');
  await field(ann).fill('');
  // Rooms are in the panel, which Enter on its button shows and hides.
  nc.say('/join dev');
  await nc.hears('*** you are now in dev');
  await ann.getByRole('button', { name: /^dev/ }).focus();
  await ann.keyboard.press('Enter');
  await ann.getByRole('heading', { name: 'dev' }).waitFor();
  assert.ok(ann.url().endsWith('/dev'));
  nc.say('hello dev');
  await sees(ann, 'nina hello dev');
  await ann.goBack();
  await ann.getByRole('heading', { name: 'lobby' }).waitFor();
  await sees(ann, 'ann nina: hi');
  await isWell(ann);
}

/// Who looks elsewhere sees in the title what has come, and where it begins.
export async function what_is_unread_is_marked(browser) {
  const { port } = await startServer();
  const ann = await openPage(browser, `http://127.0.0.1:${port}/`, { name: 'ann' });
  const nc = new Program('nc', ['127.0.0.1', String(port)]);
  nc.say('/nick nina');
  await nc.hears('*** you are now nina');
  nc.say('read');
  await sees(ann, 'nina read');
  await ann.evaluate(() => { document.hasFocus = () => false; });
  nc.say('unread');
  await sees(ann, 'nina unread');
  assert.equal(await ann.title(), '(1) lobby');
  nc.say('Ann, look');
  await sees(ann, 'nina Ann, look');
  assert.equal(await ann.title(), '(1!) lobby');
  assert.equal(await ann.locator('.mention').count(), 1);
  const order = await ann.locator('#lines li').evaluateAll(items => items.map(item => item.className || item.textContent));
  assert.ok(order.indexOf('unread') === order.length - 3, JSON.stringify(order));
  await ann.evaluate(() => dispatchEvent(new Event('focus')));
  assert.equal(await ann.title(), 'lobby');
  await isWell(ann);
}

/// Over https the page speaks wss, and mentions are notified.
export async function over_https_the_page_speaks_wss_and_notifies(browser) {
  const { port } = await startServer(['--tls']);
  const prepare = () => {
    window.notified = [];
    window.Notification = class {
      static permission = 'default';
      static async requestPermission() { return this.permission = 'granted'; }
      constructor(title, { body }) { window.notified.push([title, body]); }
      close() {}
    };
  };
  const sockets = [];
  const ann = await openPage(browser, 'about:blank', { prepare });
  ann.on('websocket', socket => sockets.push(socket.url()));
  await ann.goto(`https://127.0.0.1:${port}/`);
  await ann.getByRole('textbox', { name: 'Your name' }).fill('ann');
  await ann.keyboard.press('Enter');
  await ann.locator('#rename', { hasText: 'ann' }).waitFor();
  assert.ok(sockets.length > 0 && sockets.every(url => url.startsWith('wss://')), String(sockets));
  const nc = new Program('nc', ['127.0.0.1', String(port)]);
  nc.say('/nick nina');
  await nc.hears('*** you are now nina');
  await say(ann, 'hello over TLS');
  await nc.hears('<ann> hello over TLS');
  nc.say('/whois ann');
  await eventually(() => 'TLS', () => nc.said.includes('with TLS 1.3'));
  // Nobody is asked before the bell is clicked.
  await ann.evaluate(() => { document.hasFocus = () => false; });
  nc.say('ann, look');
  await sees(ann, 'nina ann, look');
  assert.deepEqual(await ann.evaluate(() => window.notified), []);
  await ann.getByRole('button', { name: 'Sound and notification when your name is said' }).click();
  nc.say('ann, look again');
  await sees(ann, 'nina ann, look again');
  assert.deepEqual(await ann.evaluate(() => window.notified), [['nina in lobby', 'ann, look again']]);
  nc.say('not for her');
  await ann.locator('#sound').click();
  nc.say('ann, off');
  await sees(ann, 'nina ann, off');
  assert.equal(await ann.evaluate(() => window.notified.length), 1);
  await isWell(ann);
}

/// History is read page by page, and days have a line each.
export async function earlier_lines_are_shown_on_demand(browser) {
  const { port } = await startServer(['--history', '10']);
  const lines = Array.from({ length: 200 }, (_, number) => `line ${number + 1}\n`).join('');
  await fetch(`http://127.0.0.1:${port}/lobby?nick=ci`, { method: 'POST', body: lines });
  const ann = await openPage(browser, `http://127.0.0.1:${port}/`, { name: 'ann' });
  await sees(ann, 'ci line 200');
  assert.ok(!(await shown(ann)).includes('ci line 190'));
  const earlier = ann.locator('#earlier');
  await earlier.waitFor();
  await eventually(() => 'the first line', async () => {
    // At once: the last page hides the button, perhaps between a look and a click.
    await earlier.evaluate(button => button.hidden || button.click());
    return (await shown(ann)).includes('ci line 1');
  });
  await earlier.waitFor({ state: 'hidden' });
  const texts = (await shown(ann)).filter(text => text.startsWith('ci line'));
  assert.deepEqual(texts, Array.from({ length: 200 }, (_, number) => `ci line ${number + 1}`));
  assert.equal(await ann.locator('.day').count(), 1);
  await isWell(ann);
}

/// What an operator takes out of the history goes from open pages too.
export async function cleared_lines_go(browser) {
  const { port } = await startServer(['--operator-file', process.env.PASSWORD_FILE]);
  const ann = await openPage(browser, `http://127.0.0.1:${port}/`, { name: 'ann' });
  const nc = new Program('nc', ['127.0.0.1', String(port)]);
  nc.say('/nick nina\nfine\nbad\nworse');
  await sees(ann, 'nina worse');
  nc.say('/op open sesame\n/clear 2');
  await eventually(() => 'the notice', async () => (await shown(ann)).some(text => text.startsWith('nina cleared lines')));
  const texts = await shown(ann);
  assert.ok(texts.includes('nina fine') && !texts.includes('nina bad') && !texts.includes('nina worse'), texts.join('|'));
  await isWell(ann);
}

/// On a phone everything fits, and the field is large enough that nothing zooms.
export async function a_phone_shows_all(browser) {
  const { port } = await startServer();
  const viewport = { width: 360, height: 640 };
  const url = `http://127.0.0.1:${port}/`;
  const ann = await openPage(browser, url, { name: 'ann', viewport, colorScheme: 'dark' });
  const bob = await openPage(browser, url, { name: 'bob', colorScheme: 'light' });
  for (let number = 1; number <= 30; number += 1) await say(bob, `line ${number}: ${'a word '.repeat(number % 9)}`.trim());
  await say(ann, 'bob: what a day, see https://example.com/');
  await say(bob, '/msg ann only for you');
  await sees(ann, 'bob to you: only for you');
  const layout = await ann.evaluate(() => ({
    overflow: document.documentElement.scrollWidth - innerWidth,
    size: parseFloat(getComputedStyle(document.getElementById('text')).fontSize),
    field: document.getElementById('text').getBoundingClientRect().bottom <= innerHeight,
    end: document.getElementById('log').scrollTop > 0,
  }));
  assert.deepEqual(layout, { overflow: 0, size: 16, field: true, end: true });
  // The keyboard makes the page smaller, and the last line stays in sight.
  await ann.setViewportSize({ width: 360, height: 340 });
  const isSeen = () => ann.locator('#lines li').last().evaluate(item => item.getBoundingClientRect().bottom <= document.getElementById('log').getBoundingClientRect().bottom + 1);
  await eventually(() => 'the last line', isSeen);
  // So it does if the event of an earlier scroll comes while the size changes.
  await ann.evaluate(() => {
    const log = document.getElementById('log');
    log.style.height = '150px';
    log.dispatchEvent(new Event('scroll'));
  });
  await eventually(() => 'the last line beside an event', isSeen);
  await ann.evaluate(() => { document.getElementById('log').style.height = ''; });
  await ann.setViewportSize(viewport);
  if (process.env.PICTURES) {
    await ann.screenshot({ path: `${process.env.PICTURES}/phone.png` });
    await ann.getByRole('button', { name: 'Rooms and people' }).click();
    await ann.locator('#members', { hasText: 'bob' }).waitFor();
    await ann.screenshot({ path: `${process.env.PICTURES}/phone-panel.png` });
    await ann.getByRole('button', { name: 'Close' }).click();
    await field(bob).fill('/');
    await bob.screenshot({ path: `${process.env.PICTURES}/desktop.png` });
  }
  await isWell(ann, bob);
}
