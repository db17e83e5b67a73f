// A form that the bot opened, as a dialog: its fields, what is offered while one types, and what was wrong.
"use strict";

let formShown = "";

function drawForm(form) {
  const dialog = document.getElementById("form");
  const key = form ? JSON.stringify([form.view.id, form.errors]) : "";
  if (key === formShown) return;
  formShown = key;
  if (!form) { if (dialog.open) dialog.close(); return; }
  const { view, errors } = form;
  const fields = view.blocks.filter((block) => block.type === "input");
  const body = el("form", { method: "dialog", autocomplete: "off" },
    el("h2", { id: "form-title" }, view.title.text), ...fields.map((block) => field(block, errors[block.block_id])),
    el("div", { class: "row" }, el("button", { type: "button", class: "plain" }, view.close?.text || "Cancel"), el("button", { type: "submit", class: "primary" }, view.submit?.text || "Submit")));
  body.addEventListener("submit", (event) => {
    event.preventDefault();
    const values = Object.fromEntries([...body.querySelectorAll("[name]")].map((input) => [input.name, input.value.trim()]));
    send("/page/submit", { values });
  });
  body.querySelector("button[type=button]").addEventListener("click", () => send("/page/close", {}));
  dialog.oncancel = (event) => { event.preventDefault(); send("/page/close", {}); };
  dialog.replaceChildren(body);
  if (!dialog.open) dialog.showModal();
  (body.querySelector("[aria-invalid=true]") || [...body.querySelectorAll("[name]")].find((input) => !input.value))?.focus();
}

function field(block, wrong) {
  const { element } = block;
  const id = `field-${block.block_id}`;
  const given = element.initial_option?.value ?? element.initial_value ?? "";
  const shared = { id, name: block.block_id, "aria-invalid": String(Boolean(wrong)), "aria-describedby": `${id}-words`, required: block.optional ? null : "" };
  const label = el("label", { for: id }, block.label.text, block.optional ? el("span", { class: "optional" }, " (optional)") : null);
  const words = el("div", { id: `${id}-words`, class: wrong ? "wrong" : "hint" }, wrong || block.hint?.text || "");
  return el("div", { class: "field" }, label, ...inputs(element, shared, given), words);
}

function inputs(element, shared, given) {
  if (element.type === "static_select") {
    const options = element.options.map((option) => el("option", { value: option.value, selected: option.value === given ? "" : null }, option.text.text));
    return [el("select", shared, el("option", { value: "" }, "Choose"), ...options)];
  }
  const example = element.placeholder?.text || "";
  if (element.type !== "external_select") {
    const limits = element.type === "number_input" ? { type: "number", min: element.min_value, max: element.max_value } : { type: "text", maxlength: element.max_length };
    if (element.multiline) {
      const area = el("textarea", { ...shared, rows: "3", maxlength: element.max_length, placeholder: example });
      area.value = given;
      return [area];
    }
    return [el("input", { ...shared, ...limits, value: given, placeholder: example })];
  }
  const list = el("datalist", { id: `${shared.id}-list` });
  const input = el("input", { ...shared, type: "text", value: given, placeholder: example, list: list.id });
  const offer = async () => {
    const asked = input.value;
    const response = await fetch("/page/search", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ as: me, field: shared.name, text: asked }) });
    const { found = [] } = await response.json();
    if (input.value === asked) list.replaceChildren(...found.map((value) => el("option", { value })));
  };
  input.addEventListener("input", offer);
  input.addEventListener("focus", offer);
  return [input, list];
}
