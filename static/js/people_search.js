// Search for people on pages: results appear while typing; the forms work without this script.
import { api, debounced, query } from "./api.js";
import { announce, fill, me, nameOf, setAvatar } from "./words.js";

export const PAUSE = 160;

export async function people(term) {
  const page = await api("GET", `/users?${query({ search: term, page_size: 20 })}`);
  return page.items.filter((person) => person.id !== me.id);
}

export function personRow(tag, id, name, sub) {
  const model = document.getElementById("person-row").content.firstElementChild.cloneNode(true);
  const row = document.createElement(tag);
  row.className = "person";
  row.append(...model.childNodes);
  setAvatar(row.querySelector(".avatar"), id, name);
  row.querySelector(".person__name").textContent = name;
  row.querySelector(".person__sub").textContent = sub;
  return row;
}

const nothingFound = (term) => fill(gettext("Nothing found for “%(q)s”."), { q: term });
const foundLine = (n) => fill(ngettext("%(n)s person found", "%(n)s people found", n), { n });

function suggest(input, put) {
  let asked = 0;
  const ask = debounced(async () => {
    const term = input.value.trim();
    const number = (asked += 1);
    const found = term ? await people(term).catch(() => []) : [];
    if (number !== asked) return;
    put(found, term);
    if (term) announce(found.length ? foundLine(found.length) : nothingFound(term));
  }, PAUSE);
  input.addEventListener("input", ask);
}

function submitRow(person, field) {
  const item = document.createElement("li");
  const row = personRow("button", person.id, nameOf(person), `@${person.username}`);
  Object.assign(row, { name: field, value: person.id });
  item.append(row);
  return item;
}

function startSearch(form, target, field) {
  const list = target.querySelector("ul");
  const empty = target.querySelector("[data-nothing-found]");
  suggest(form.elements.q, (found, term) => {
    const inside = new Set([...document.querySelectorAll("[data-member]")].map((one) => one.dataset.member));
    list.replaceChildren(...found.filter((one) => !inside.has(one.id)).map((one) => submitRow(one, field)));
    if (empty) {
      empty.hidden = !term || found.length > 0;
      empty.textContent = nothingFound(term);
    }
  });
}

function startPicker(form) {
  const chips = form.querySelector("[data-chips]");
  const results = form.querySelector("[data-results]");
  const input = form.elements.q;
  for (const button of form.querySelectorAll("[data-search-button]")) button.remove(); // Enter creates
  const chosen = () => new Set([...form.querySelectorAll("[data-chips] input")].map((one) => one.value));

  function chip(id, name) {
    const made = document.createElement("span");
    made.className = "chip";
    const picture = document.createElement("span");
    picture.className = "avatar";
    setAvatar(picture, id, name);
    const hidden = Object.assign(document.createElement("input"), { type: "hidden", name: "member_ids", value: id });
    const off = Object.assign(document.createElement("button"), { type: "button", textContent: "×" });
    off.setAttribute("aria-label", fill(gettext("Remove %(name)s"), { name }));
    off.addEventListener("click", () => {
      made.remove();
      input.focus();
    });
    made.append(picture, name, hidden, off);
    return made;
  }

  for (const ready of [...chips.querySelectorAll("label")]) {
    ready.parentElement.replaceWith(chip(ready.querySelector("input").value, ready.textContent.trim()));
  }
  suggest(input, (found) => {
    const inside = chosen();
    results.replaceChildren(...found.filter((one) => !inside.has(one.id)).map((person) => {
      const item = document.createElement("li");
      const row = personRow("button", person.id, nameOf(person), `@${person.username}`);
      row.type = "button";
      row.addEventListener("click", () => {
        chips.append(chip(person.id, nameOf(person)));
        results.replaceChildren();
        input.value = "";
        input.focus();
      });
      item.append(row);
      return item;
    }));
  });
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    results.querySelector("button")?.click();
  });
}

export function startForms(root) {
  const search = root.querySelector("[data-people-search]");
  if (search) startSearch(search, root.querySelector("[data-people-results]"), "user_id");
  const add = root.querySelector("[data-add-people]");
  if (add) startSearch(add, root.querySelector("[data-add-results]"), "member_ids");
  const picker = root.querySelector("[data-member-picker]");
  if (picker) startPicker(picker);
}
