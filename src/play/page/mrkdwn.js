// Slack's mrkdwn as DOM nodes. Nothing a person wrote is ever parsed as HTML: every piece becomes a text node.
"use strict";

const EMOJI = {
  white_check_mark: "✅", heavy_check_mark: "✔️", ballot_box_with_check: "☑️", x: "❌", negative_squared_cross_mark: "❎",
  warning: "⚠️", rocket: "🚀", hourglass: "⌛", hourglass_flowing_sand: "⏳", stopwatch: "⏱️", alarm_clock: "⏰", clock1: "🕐",
  large_green_circle: "🟢", large_yellow_circle: "🟡", large_orange_circle: "🟠", large_blue_circle: "🔵", red_circle: "🔴",
  white_circle: "⚪", black_circle: "⚫", large_green_square: "🟩", large_red_square: "🟥", rotating_light: "🚨", scales: "⚖️", sos: "🆘",
  lock: "🔒", unlock: "🔓", key: "🔑", no_entry: "⛔", no_entry_sign: "🚫", fast_forward: "⏩", grey_question: "❔", octagonal_sign: "🛑", construction: "🚧",
  arrow_right: "➡️", arrow_left: "⬅️", arrow_up: "⬆️", arrow_down: "⬇️", arrows_counterclockwise: "🔄", repeat: "🔁",
  rewind: "⏪", leftwards_arrow_with_hook: "↩️", eyes: "👀", mag: "🔍", tada: "🎉", bell: "🔔", fire: "🔥", snowflake: "❄️",
  hammer_and_wrench: "🛠️", wrench: "🔧", gear: "⚙️", thumbsup: "👍", "+1": "👍", thumbsdown: "👎", "-1": "👎", wave: "👋",
  pray: "🙏", point_right: "👉", package: "📦", pushpin: "📌", link: "🔗", memo: "📝", scroll: "📜", book: "📖", ship: "🚢",
  bulb: "💡", speech_balloon: "💬", bust_in_silhouette: "👤", busts_in_silhouette: "👥", zzz: "💤", robot_face: "🤖",
  wastebasket: "🗑️", question: "❓", exclamation: "❗", information_source: "ℹ️", chart_with_upwards_trend: "📈",
  chart_with_downwards_trend: "📉", twisted_rightwards_arrows: "🔀", double_vertical_bar: "⏸️", arrow_forward: "▶️",
  level_slider: "🎚️", control_knobs: "🎛️", seedling: "🌱", ok: "🆗", new: "🆕", white_small_square: "▫️", small_blue_diamond: "🔹",
};

function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

// Machines without an emoji font get a sign that every font has instead of an empty box.
const SIGNS = {
  "✅": "✔", "☑️": "✔", "❌": "✖", "❎": "✖", "⏳": "◔", "⌛": "◔", "⏱️": "◔", "⏰": "◔", "🕐": "◔", "🟢": "●", "🟡": "◐", "🟠": "◐", "🔵": "●",
  "🔴": "●", "⚪": "○", "⚫": "●", "🟩": "■", "🟥": "■", "🚨": "‼", "🆘": "‼", "🔥": "‼", "🔒": "⊘", "🔓": "○", "⛔": "⊘", "🚫": "⊘",
  "🛑": "⊘", "🚧": "⚠", "🔄": "↻", "🔁": "↻", "⏪": "«", "👀": "◉", "🔍": "◉", "🚀": "➚", "👍": "✔", "👎": "✖", "➡️": "→", "⬅️": "←",
  "⬆️": "↑", "⬇️": "↓", "↩️": "↩", "📝": "✎", "📜": "✎", "❓": "?", "❗": "!", "💡": "✶", "🎉": "★", "📌": "▪", "🔗": "∞", "⏸️": "‖",
};
const width = (() => {
  const pen = document.createElement("canvas").getContext("2d");
  return (text) => pen ? pen.measureText(text).width : 0;
})();
const missing = width("\u{10FFFD}");
const drawable = (glyph) => !missing || width([...glyph][0]) !== missing;
for (const [name, glyph] of Object.entries(EMOJI)) if (!drawable(glyph)) EMOJI[name] = SIGNS[glyph] || "▪";
const EMPTY = Object.keys(SIGNS).filter((glyph) => !drawable(glyph));
const BOXES = EMPTY.length ? new RegExp(EMPTY.map((glyph) => `${glyph.replace("\uFE0F", "")}\uFE0F?`).join("|"), "gu") : null;
const sign = (glyph) => SIGNS[glyph] || SIGNS[`${glyph}\uFE0F`] || SIGNS[glyph.replace("\uFE0F", "")];

function emoji(text) {
  const named = text.replace(/:([a-z0-9_+'-]+):/g, (all, name) => EMOJI[name] || all);
  return BOXES ? named.replace(BOXES, sign) : named;
}

const plain = (text) => text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");

function link(url, label) {
  if (!/^(https?:|mailto:)/i.test(url)) return document.createTextNode(label || url);
  return el("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, label || url);
}

function dated(seconds, format, fallback) {
  const at = new Date(Number(seconds) * 1000);
  if (Number.isNaN(at.getTime())) return fallback;
  const today = new Date();
  const days = Math.round((new Date(at).setHours(0, 0, 0, 0) - new Date(today).setHours(0, 0, 0, 0)) / 86400000);
  const pretty = { 0: "today", "-1": "yesterday", 1: "tomorrow" }[days];
  const day = (options) => at.toLocaleDateString("en", options);
  const time = (options) => at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", ...options });
  const words = {
    date_num: at.toISOString().slice(0, 10), date: day({ month: "long", day: "numeric", year: "numeric" }),
    date_short: day({ month: "short", day: "numeric", year: "numeric" }),
    date_long: day({ weekday: "long", month: "long", day: "numeric", year: "numeric" }),
    time: time(), time_secs: time({ second: "2-digit" }), ago: ago(at),
  };
  return format.replace(/\{(\w+?)(_pretty)?\}/g, (all, name, wantsPretty) => (wantsPretty && pretty) || words[name] || all);
}

function ago(at) {
  const seconds = Math.max(0, Math.round((Date.now() - at.getTime()) / 1000));
  if (seconds < 45) return "just now";
  for (const [name, size] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
    const count = Math.floor(seconds / size);
    if (count >= 1) return `${count} ${name}${count > 1 ? "s" : ""} ago`;
  }
  return "a minute ago";
}

// What stands between angle brackets: a mention, a channel, a date, or a link.
function angle(inner, people) {
  const [target, label] = inner.split(/\|(.*)/s, 2);
  if (target.startsWith("@")) {
    const person = people.find((one) => one.id === target.slice(1));
    return el("span", { class: "mention" }, `@${person ? person.name : label || target.slice(1)}`);
  }
  if (target.startsWith("#")) return el("span", { class: "mention" }, `#${label || state?.channels.find((one) => one.id === target.slice(1))?.name || target.slice(1)}`);
  if (target.startsWith("!date^")) {
    const [, seconds, format, url] = target.split("^");
    const words = dated(seconds, format || "", plain(label || ""));
    return url ? link(url, words) : document.createTextNode(words);
  }
  if (target.startsWith("!")) return el("span", { class: "mention" }, `@${label || target.slice(1).split("^")[0]}`);
  return link(plain(target), label === undefined ? undefined : emoji(plain(label)));
}

const INLINE = /`([^`\n]+)`|<([^<>\n]+)>|(?<![\w*])\*(\S(?:[^*\n]*\S)?)\*(?![\w*])|(?<![\w_])_(\S(?:[^_\n]*\S)?)_(?![\w_])|(?<![\w~])~(\S(?:[^~\n]*\S)?)~(?![\w~])/;

function inline(text, people, into) {
  let rest = text;
  for (let match; (match = INLINE.exec(rest)); rest = rest.slice(match.index + match[0].length)) {
    into.append(emoji(plain(rest.slice(0, match.index))));
    const [, code, bracket, bold, italic, strike] = match;
    if (code !== undefined) into.append(el("code", {}, plain(code)));
    else if (bracket !== undefined) into.append(angle(bracket, people));
    else {
      const tag = bold !== undefined ? "strong" : italic !== undefined ? "em" : "s";
      into.append(inline(bold ?? italic ?? strike, people, el(tag)));
    }
  }
  into.append(emoji(plain(rest)));
  return into;
}

function lines(text, people, into) {
  let quote = null;
  text.split("\n").forEach((line, number, all) => {
    const quoted = /^(?:&gt;|>) ?(.*)$/.exec(line);
    if (quoted) {
      if (!quote) into.append((quote = el("blockquote")));
      else quote.append(el("br"));
      inline(quoted[1], people, quote);
      return;
    }
    quote = null;
    inline(line, people, into);
    if (number < all.length - 1) into.append(el("br"));
  });
}

function mrkdwn(text, people) {
  const into = document.createDocumentFragment();
  String(text || "").split(/```\n?([\s\S]*?)\n?```\n?/).forEach((part, number) => {
    if (number % 2) into.append(el("pre", {}, el("code", {}, plain(part.replace(/<([^<>|\n]+)\|([^<>\n]+)>/g, "$2")))));
    else if (part) lines(part, people, into);
  });
  return into;
}
