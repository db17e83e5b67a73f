// The page itself: keeps the state that the server sends, draws it, and sends what the person does.
"use strict";

const $ = (id) => document.getElementById(id);
const stored = (name, otherwise) => { try { return localStorage.getItem(name) || otherwise; } catch { return otherwise; } };
const store = (name, value) => { try { localStorage.setItem(name, value); } catch { /* a private window forgets */ } };

let state = null;
let me = new URLSearchParams(location.search).get("as") || stored("leverframe.me", "ana");
let active = "C0DEPLOYS";
let seen = {};
let knownCommits = null;
let waiting = null;
let chosen = 0;
let linked = null;

const archive = /^\/archives\/(\w+)\/p(\d+)(\d{6})$/.exec(location.pathname);
if (archive) [active, linked] = [archive[1], `${archive[2]}.${archive[3]}`];

async function follow() {
  for (let after = 0; ; ) {
    waiting = new AbortController();
    const asked = me;
    try {
      const response = await fetch(`/page/state?as=${encodeURIComponent(asked)}&after=${after}`, { signal: waiting.signal });
      if (response.status === 400) { me = "ana"; after = 0; continue; }
      if (!response.ok) throw new Error(`status ${response.status}`);
      const fresh = await response.json();
      $("offline").hidden = true;
      if (asked !== me) { after = 0; continue; }
      if (fresh.revision !== after || !state || state.me !== me) { state = fresh; draw(); }
      after = fresh.revision;
    } catch (error) {
      if (error.name === "AbortError") { after = 0; continue; }
      $("offline").hidden = false;
      await new Promise((wake) => setTimeout(wake, 1000));
    }
  }
}

async function send(path, body) {
  try {
    const response = await fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ as: me, ...body }) });
    const answer = await response.json();
    if (!answer.ok) toast(answer.error);
  } catch { toast("The playground does not answer. Is it still running?"); }
}

function toast(words) {
  $("toast").textContent = words;
  $("toast").hidden = false;
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => { $("toast").hidden = true; }, 6000);
}

const initials = (name) => name.split(/\s+/).map((word) => word[0]).join("").slice(0, 2).toUpperCase();
const place = (key) => Math.max(0, state.people.findIndex((person) => person.key === key));
const at = (ts) => new Date(Number(ts) * 1000);

function draw() {
  drawLook();
  drawMe();
  drawChannels();
  drawMessages();
  drawPanel();
  drawForm(state.form);
}

// The other look of the same world, for the same person.
function drawLook() {
  document.body.classList.toggle("discord", state.look === "discord");
  if (active !== "home" && !state.channels.some((channel) => channel.id === active)) active = state.channels[0].id;
  $("look").hidden = !state.other;
  if (!state.other) return;
  $("look").textContent = `See it in ${state.other.name}`;
  $("look").href = `${state.other.url}/?as=${encodeURIComponent(me)}`;
}

function drawMe() {
  const person = state.people[place(me)];
  $("me").replaceChildren(el("span", { class: "long" }, "You are: "), el("b", {}, person.name), " ▾");
  $("persons").replaceChildren(...state.people.map((one) => {
    const item = el("li", { role: "option", tabindex: "0", "data-key": one.key, class: one.key === me ? "on" : "", "aria-selected": String(one.key === me) },
      el("span", { class: `avatar p${place(one.key)}`, "aria-hidden": "true" }, initials(one.name)), el("span", {}, el("b", {}, one.name), el("small", {}, one.role)));
    item.addEventListener("click", () => become(one.key));
    return item;
  }));
}

function become(key) {
  me = key;
  store("leverframe.me", key);
  seen = {};
  showPersons(false);
  waiting?.abort();
  $("text").focus();
}

function showPersons(open) {
  $("persons").hidden = !open;
  $("me").setAttribute("aria-expanded", String(open));
  if (open) $("persons").querySelector(".on")?.focus();
}

const inChannel = (id) => state.messages.filter((message) => message.channel === id);

function drawChannels() {
  $("channels").replaceChildren(...state.channels.map((channel) => {
    const messages = inChannel(channel.id);
    const last = messages.at(-1)?.ts || "";
    if (channel.id === active || seen[channel.id] === undefined) seen[channel.id] = last;
    const unread = messages.filter((message) => message.ts > seen[channel.id]).length;
    const item = el("li", { class: `${channel.id === active ? "on" : ""} ${unread ? "unread" : ""}` },
      el("button", { type: "button", "aria-current": channel.id === active ? "true" : null }, el("span", { "aria-hidden": "true" }, "#"), channel.name, unread ? el("span", { class: "count" }, String(unread)) : null));
    item.firstChild.addEventListener("click", () => open(channel.id));
    return item;
  }));
  if (state.look === "slack") $("channels").prepend(homeItem());
  const channel = active === "home" ? { name: "Home", topic: "What concerns you" } : state.channels.find((one) => one.id === active) || state.channels[0];
  $("title").firstElementChild.textContent = active === "home" ? channel.name : `# ${channel.name}`;
  $("title").lastElementChild.textContent = channel.topic;
  $("text").placeholder = active === "home" ? "Open a channel to type" : `Message #${channel.name}`;
  $("text").setAttribute("aria-label", `Message #${channel.name}`);
}

// The bot's home tab, as Slack's app has it.
function homeItem() {
  const item = el("li", { class: active === "home" ? "on" : "" }, el("button", { type: "button", "aria-current": active === "home" ? "true" : null }, el("span", { "aria-hidden": "true" }, "⌂"), "Leverframe home"));
  item.firstChild.addEventListener("click", () => { send("/page/home", {}); open("home"); });
  return item;
}

function open(id) {
  active = id;
  $("side").classList.remove("open");
  $("menu").setAttribute("aria-expanded", "false");
  draw();
  $("log").scrollTop = $("log").scrollHeight;
  $("text").focus();
}

function drawMessages() {
  const log = $("log");
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 60;
  const old = new Map([...log.children].map((node) => [node.dataset.key, node]));
  const messages = inChannel(active);
  const top = messages.filter((message) => !message.thread);
  const order = top.flatMap((message) => [message, ...messages.filter((reply) => reply.thread === message.ts)]);
  const nodes = [];
  if (active === "home") nodes.push(keep(new Map(), `home/${state.revision}`, () => el("article", { class: "message" }, el("span"), blocks(state.home || [], { people: state.people, press: () => {} }))));
  if (active === state.channels[0].id) nodes.push(keep(old, `welcome/${me}`, welcome));
  let day = "";
  for (const message of order) {
    const date = at(message.ts).toDateString();
    if (!message.thread && date !== day) nodes.push(keep(old, `day/${(day = date)}`, () => el("div", { class: "day" }, el("span", {}, dayName(at(message.ts))))));
    nodes.push(keep(old, `${me}/${message.channel}/${message.ts}/${message.edits}`, () => drawn(message)));
  }
  const fresh = nodes.some((node) => !old.has(node.dataset.key));
  nodes.forEach((node, number) => { if (log.children[number] !== node) log.insertBefore(node, log.children[number] || null); });
  while (log.children.length > nodes.length) log.lastChild.remove();
  if (linked) showLinked();
  else if (fresh && atEnd) log.scrollTop = log.scrollHeight;
}

function keep(old, key, make) {
  const node = old.get(key) || make();
  node.dataset.key = key;
  return node;
}

function showLinked() {
  const node = [...$("log").children].find((one) => one.dataset.ts === linked);
  if (!node) return;
  linked = null;
  node.classList.add("linked");
  node.scrollIntoView({ block: "center" });
}

function dayName(date) {
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(date).setHours(0, 0, 0, 0)) / 86400000);
  return days === 0 ? "Today" : days === 1 ? "Yesterday" : date.toLocaleDateString("en", { weekday: "long", month: "long", day: "numeric" });
}

function drawn(message) {
  const { author } = message;
  const look = author.kind === "person" ? `p${place(author.key)}` : author.kind;
  const context = { people: state.people, press: (item) => send("/page/press", { channel: message.channel, ts: message.id || message.ts, action: item.custom_id || item.action_id, block: item.block_id }) };
  const body = el("div", { class: "body" }, state.look === "discord" ? discord(message, context) : message.blocks.length ? blocks(message.blocks, context) : mrkdwn(message.text, state.people));
  for (const shown of message.unfurls || []) body.append(el("div", { class: "unfurl" }, blocks(shown.blocks, context)));
  if (message.edited) ([...body.querySelectorAll(".words, .context")].at(-1) || body).append(el("span", { class: "edited" }, " (edited)"));
  const time = at(message.ts);
  const who = el("div", { class: "who" }, el("b", {}, author.name), author.kind === "app" && el("span", { class: "badge" }, "APP"),
    el("time", { datetime: time.toISOString(), title: time.toLocaleString() }, time.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })));
  const letters = author.kind === "app" ? "L" : author.kind === "slack" ? "S" : initials(author.name);
  return el("article", { class: `message ${message.private ? "private" : ""} ${message.thread ? "reply" : ""}`, "data-ts": message.ts },
    message.private && el("div", { class: "only" }, "Only visible to you"),
    el("span", { class: `avatar ${look}`, "aria-hidden": "true" }, letters), el("div", {}, who, body), author.kind !== "person" || message.private ? null : menu(message));
}

// What stands in the menu of a message.
function menu(message) {
  return el("div", { class: "menu" }, ...(state.shortcuts || []).map((name) => {
    const node = el("button", { type: "button", title: name, "aria-label": name }, "⋯");
    node.addEventListener("click", () => send("/page/pick", { channel: message.channel, ts: message.id || message.ts, shortcut: name }));
    return node;
  }));
}

function welcome() {
  const tries = state.try.map((command) => {
    const node = el("button", { type: "button" }, command);
    node.addEventListener("click", () => { $("text").value = command; typed(); suggest(false); $("text").focus(); });
    return node;
  });
  return el("section", { class: "welcome" }, el("h2", {}, "The levers are yours"),
    el("p", {}, "Everything here runs on this machine: a git repository, its pull requests and two small clusters. Click one, then press Enter:"),
    el("div", { class: "try" }, ...tries),
    el("p", {}, "Production needs a second person: become Bo or Cleo, at the upper right, and press Approve."));
}

function drawPanel() {
  const panel = state.panel;
  if (!panel || panel.problem) { $("running").replaceChildren(el("p", { class: "none" }, panel?.problem || "Nothing to show.")); return; }
  $("branch").textContent = panel.branch;
  drawRunning(panel.running);
  const out = { target: "_blank", rel: "noopener" };
  $("pulls").replaceChildren(...(panel.pulls.length ? panel.pulls.map((pull) => el("div", { class: "item" },
    el("a", { href: pull.url, ...out }, `#${pull.number} ${pull.title}`), el("div", { class: "by" }, `opened by ${pull.author}`))) : [el("p", { class: "none" }, "None open.")]));
  $("commits").replaceChildren(...panel.commits.map((commit) => el("div", { class: `item ${knownCommits && !knownCommits.has(commit.id) ? "new" : ""}` },
    el("a", { href: commit.url, ...out }, commit.subject), el("div", { class: "by" }, `${commit.author} · ${ago(new Date(commit.at * 1000))} · `, el("code", {}, commit.id.slice(0, 7))),
    ...commit.changes.map(change))));
  knownCommits = new Set(panel.commits.map((commit) => commit.id));
}

function change(file) {
  const indent = Math.min(...file.lines.map((line) => /^. */.exec(line)[0].length - 1));
  return el("div", { class: "change" }, el("div", { class: "path" }, file.path),
    ...file.lines.map((line) => el("div", { class: line[0] === "+" ? "add" : "del" }, `${line[0]} ${line.slice(1 + indent)}`)));
}

function drawRunning(running) {
  const environments = [...new Set(running.map((one) => one.environment))].sort().reverse();
  const services = [...new Set(running.map((one) => one.service))];
  const cell = (service, environment) => {
    const found = running.find((one) => one.service === service && one.environment === environment);
    if (!found) return el("td", { class: "none" }, "–");
    return el("td", {}, el("span", { class: found.state, title: found.note || found.state }, found.version), el("span", { class: "state" }, `${found.ready}/${found.wanted} ready`, found.note && found.state !== "healthy" ? ` · ${found.note}` : ""));
  };
  $("running").replaceChildren(el("table", {}, el("tr", {}, el("th"), ...environments.map((name) => el("th", { scope: "col" }, name))),
    ...services.map((service) => el("tr", {}, el("td", {}, service), ...environments.map((environment) => cell(service, environment))))));
}

// The composer and its suggestions.

const matching = () => {
  const text = $("text").value;
  const word = text.split(/\s/)[0];
  if (!state || !word.startsWith("/")) return [];
  return state.commands.filter((hint) => (text.includes(" ") ? hint.command === word : hint.command.startsWith(word)));
};

function typed() {
  const text = $("text");
  text.style.height = "auto";
  text.style.height = `${text.scrollHeight}px`;
  $("send").disabled = !text.value.trim();
  chosen = 0;
  suggest(true);
}

function suggest(wanted) {
  const found = wanted ? matching() : [];
  $("suggestions").hidden = !found.length;
  $("text").setAttribute("aria-expanded", String(found.length > 0));
  $("suggestions").replaceChildren(...found.map((hint, number) => {
    const item = el("li", { role: "option", id: `hint${number}`, class: number === chosen ? "on" : "", "aria-selected": String(number === chosen) }, el("b", {}, hint.command), " ", el("span", {}, hint.usage), el("span", { class: "summary" }, hint.summary));
    item.addEventListener("mousedown", (event) => { event.preventDefault(); complete(hint); });
    return item;
  }));
  if (found.length) $("text").setAttribute("aria-activedescendant", `hint${chosen}`);
  else $("text").removeAttribute("aria-activedescendant");
}

function complete(hint) {
  $("text").value = `${hint.command} `;
  typed();
  $("text").focus();
}

function submit() {
  const text = $("text").value.replace(/\s+$/, "");
  if (!text.trim() || !state || active === "home") return;
  $("text").value = "";
  typed();
  $("log").scrollTop = $("log").scrollHeight;
  send("/page/say", { channel: active, text });
}

$("text").addEventListener("input", typed);
$("text").addEventListener("blur", () => suggest(false));
$("text").addEventListener("keydown", (event) => {
  const found = $("suggestions").hidden ? [] : matching();
  const choosing = found.length > 0 && !$("text").value.includes(" ");
  if (choosing && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    event.preventDefault();
    chosen = (chosen + (event.key === "ArrowDown" ? 1 : found.length - 1)) % found.length;
    suggest(true);
  } else if (choosing && (event.key === "Tab" || (event.key === "Enter" && found[chosen].command !== $("text").value))) {
    event.preventDefault();
    complete(found[chosen]);
  } else if (event.key === "Escape") suggest(false);
  else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); submit(); }
});
$("composer").addEventListener("submit", (event) => { event.preventDefault(); submit(); });
$("me").addEventListener("click", () => showPersons($("persons").hidden));
$("persons").addEventListener("keydown", (event) => {
  const items = [...$("persons").children];
  const here = items.indexOf(document.activeElement);
  if (event.key === "ArrowDown") items[(here + 1) % items.length].focus();
  else if (event.key === "ArrowUp") items[(here + items.length - 1) % items.length].focus();
  else if (event.key === "Enter" || event.key === " ") become(items[here].dataset.key);
  else if (event.key === "Escape") { showPersons(false); $("me").focus(); }
  else return;
  event.preventDefault();
});
document.addEventListener("click", (event) => { if (!event.target.closest(".switcher")) showPersons(false); });
document.addEventListener("keydown", (event) => {
  if (!event.altKey || !state || (event.key !== "ArrowDown" && event.key !== "ArrowUp")) return;
  const here = state.channels.findIndex((channel) => channel.id === active);
  const step = event.key === "ArrowDown" ? 1 : state.channels.length - 1;
  event.preventDefault();
  open(state.channels[(here + step) % state.channels.length].id);
});
$("menu").addEventListener("click", () => { $("menu").setAttribute("aria-expanded", String($("side").classList.toggle("open"))); });
const showPanel = (shown) => { document.body.classList.toggle("alone", !shown); $("behind").setAttribute("aria-expanded", String(shown)); };
$("behind").addEventListener("click", () => showPanel(document.body.classList.contains("alone")));
showPanel(window.innerWidth > 1100);
follow();
$("text").focus();
