// Block Kit as DOM nodes.
"use strict";

function textObject(text, people) {
  if (!text) return document.createTextNode("");
  return text.type === "plain_text" ? document.createTextNode(emoji(text.text)) : mrkdwn(text.text, people);
}

function element(item, context) {
  switch (item.type) {
    case "button": return button(item, context);
    case "mrkdwn": case "plain_text": return el("span", {}, textObject(item, context.people));
    case "image": return el("span", {}, `[${item.alt_text || "picture"}]`);
    case "static_select": case "external_select": case "overflow":
      return el("button", { class: "button", disabled: true }, `${item.placeholder?.text || "…"} ▾`);
    default: return el("span", {}, item.text?.text || "");
  }
}

function button(item, context) {
  const label = emoji(item.text?.text || "");
  const node = el("button", { type: "button", class: `button ${item.style || ""}`, "data-action": item.action_id, "aria-label": item.accessibility_label });
  node.append(label);
  node.addEventListener("click", async () => {
    if (item.url && /^https?:/i.test(item.url)) window.open(item.url, "_blank", "noopener");
    if (item.confirm && !(await ask(item.confirm, context.people))) return;
    node.disabled = true;
    await context.press(item);
    node.disabled = false;
  });
  return node;
}

// A confirmation dialog; resolves to whether the person agreed.
function ask(confirm, people) {
  const dialog = document.getElementById("confirm");
  document.getElementById("confirm-title").textContent = confirm.title?.text || "Are you sure?";
  document.getElementById("confirm-text").replaceChildren(textObject(confirm.text, people));
  const [accept, deny] = [document.getElementById("accept"), document.getElementById("deny")];
  accept.textContent = confirm.confirm?.text || "Yes";
  deny.textContent = confirm.deny?.text || "Cancel";
  accept.className = confirm.style === "danger" ? "danger" : "primary";
  return new Promise((resolve) => {
    accept.onclick = () => dialog.close("yes");
    deny.onclick = () => dialog.close("no");
    dialog.onclose = () => resolve(dialog.returnValue === "yes");
    dialog.returnValue = "no";
    dialog.showModal();
  });
}

function rich(item, people) {
  const children = () => (item.elements || []).map((child) => rich(child, people));
  switch (item.type) {
    case "rich_text_section": return el("span", {}, ...children());
    case "rich_text_preformatted": return el("pre", {}, el("code", {}, ...children()));
    case "rich_text_quote": return el("blockquote", {}, ...children());
    case "rich_text_list": return el(item.style === "ordered" ? "ol" : "ul", { class: "list" }, ...children().map((child) => el("li", {}, child)));
    case "link": return link(item.url, item.text);
    case "emoji": return document.createTextNode(EMOJI[item.name] || `:${item.name}:`);
    case "user": return angle(`@${item.user_id}`, people);
    case "channel": return angle(`#${item.channel_id}`, people);
    case "date": return document.createTextNode(dated(item.timestamp, item.format || "{date}", item.fallback || ""));
    default: {
      let node = document.createTextNode(item.text || "");
      for (const [style, tag] of [["code", "code"], ["bold", "strong"], ["italic", "em"], ["strike", "s"]]) {
        if (item.style && item.style[style]) node = el(tag, {}, node);
      }
      return node;
    }
  }
}

function block(item, context) {
  switch (item.type) {
    case "header": return el("div", { class: "header", role: "heading", "aria-level": "3" }, textObject(item.text, context.people));
    case "section": {
      const words = el("div", { class: "words" });
      if (item.text) words.append(textObject(item.text, context.people));
      if (item.fields) words.append(el("div", { class: "fields" }, ...item.fields.map((field) => el("div", {}, textObject(field, context.people)))));
      return el("div", { class: "section" }, words, item.accessory && element(item.accessory, context));
    }
    case "context": return el("div", { class: "context" }, ...item.elements.map((child) => element(child, context)));
    case "divider": return el("hr");
    case "actions": return el("div", { class: "actions" }, ...item.elements.map((child) => element(child, context)));
    case "rich_text": return el("div", {}, ...item.elements.map((child) => rich(child, context.people)));
    case "markdown": return el("div", {}, mrkdwn(item.text.replace(/\*\*/g, "*").replace(/\[([^\]]+)\]\(([^)]+)\)/g, "<$2|$1>"), context.people));
    case "image": return el("div", { class: "context" }, `[${item.alt_text || item.title?.text || "picture"}]`);
    default: return el("div", { class: "context" }, `(${item.type})`);
  }
}

const blocks = (items, context) => el("div", { class: "blocks" }, ...items.map((item) => block(item, context)));
