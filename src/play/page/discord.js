// Discord's messages as DOM nodes: its markup, embeds and buttons.
"use strict";

// What is found first wins; inside code nothing else is looked for.
const DISCORD = /\\([^\s\w])|```(?:(\w+)\n)?([\s\S]*?)```|`([^`\n]+)`|<@!?(\d+)>|<t:(\d+)(?::([a-zA-Z]))?>|\[((?:\\.|[^\]\\])+)\]\(<?(https?:\/\/[^)>\s]+)>?\)|(https?:\/\/[^\s<>()]+)|\*\*([\s\S]+?)\*\*/;

function inlineMarkdown(text, people) {
  const nodes = [];
  for (let rest = text; rest; ) {
    const found = DISCORD.exec(rest);
    if (!found) { nodes.push(document.createTextNode(emoji(rest))); break; }
    if (found.index) nodes.push(document.createTextNode(emoji(rest.slice(0, found.index))));
    rest = rest.slice(found.index + found[0].length);
    nodes.push(marked(found, people));
  }
  return nodes;
}

function marked(found, people) {
  const [, escaped, kind, fenced, code, person, time, style, label, url, bare, bold] = found;
  if (escaped !== undefined) return document.createTextNode(escaped);
  if (fenced !== undefined) return el("pre", { class: kind || "" }, el("code", {}, ...fenced.split("\n").map((line, number, all) => colored(line, kind, number < all.length - 1))));
  if (code !== undefined) return el("code", {}, code);
  if (person !== undefined) return el("span", { class: "mention" }, `@${people.find((one) => one.id === person)?.name || person}`);
  if (time !== undefined) return moment(Number(time), style);
  if (label !== undefined) return el("a", { href: url, target: "_blank", rel: "noopener" }, ...inlineMarkdown(label, people));
  if (bare !== undefined) return el("a", { href: bare, target: "_blank", rel: "noopener" }, bare);
  return el("strong", {}, ...inlineMarkdown(bold, people));
}

function colored(line, kind, more) {
  const end = more ? "\n" : "";
  if (kind !== "diff" || !/^[+-]/.test(line)) return document.createTextNode(line + end);
  return el("span", { class: line[0] === "+" ? "add" : "del" }, line + end);
}

function moment(seconds, style) {
  const at = new Date(seconds * 1000);
  const day = style === "f" || style === "F" ? `${at.toLocaleDateString("en", { month: "long", day: "numeric", year: "numeric" })} ` : "";
  return el("time", { datetime: at.toISOString(), title: at.toLocaleString(), class: "moment" }, day + at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }));
}

// Lines: small print, quotes, fences, and everything else.
function markdown(text, people) {
  const holder = el("div", { class: "words" });
  for (const part of text.split(/(```[\s\S]*?```)/)) {
    if (part.startsWith("```")) { holder.append(...inlineMarkdown(part, people)); continue; }
    for (const line of part.replace(/^\n|\n$/g, "").split("\n")) {
      if (!line && part.trim() === "") continue;
      if (line.startsWith("-# ")) holder.append(el("div", { class: "small" }, ...inlineMarkdown(line.slice(3), people)));
      else if (line.startsWith("> ")) holder.append(el("blockquote", {}, ...inlineMarkdown(line.slice(2), people)));
      else holder.append(el("div", {}, ...inlineMarkdown(line, people)));
    }
  }
  return holder;
}

function embed(item, people) {
  const color = `#${(item.color || 0).toString(16).padStart(6, "0")}`;
  const node = el("div", { class: "embed" }, item.title && el("div", { class: "embed-title" }, ...inlineMarkdown(item.title, people)),
    item.description && markdown(item.description, people),
    ...(item.fields || []).map((field) => el("div", {}, el("b", {}, ...inlineMarkdown(field.name, people)), markdown(field.value, people))),
    item.footer && el("div", { class: "footer" }, item.footer.text));
  node.style.borderLeftColor = color;
  return node;
}

const STYLES = { 1: "primary", 2: "secondary", 3: "success", 4: "danger" };

function row(item, context) {
  return el("div", { class: "actions" }, ...item.components.map((one) => {
    const node = el("button", { type: "button", class: `button ${STYLES[one.style] || ""}` }, one.label || "");
    node.addEventListener("click", async () => {
      node.disabled = true;
      await context.press(one);
      node.disabled = false;
    });
    return node;
  }));
}

const discord = (message, context) => el("div", { class: "blocks" }, markdown(message.text, context.people),
  ...message.embeds.map((item) => embed(item, context.people)), ...message.components.map((item) => row(item, context)));
