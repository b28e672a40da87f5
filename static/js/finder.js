// The finder (Ctrl+K): chats and people by the beginning of a name. Loaded when first asked for.
import { api, debounced } from "./api.js";
import { PAUSE, people, personRow } from "./people_search.js";
import { fill, nameOf, textOf } from "./words.js";

// Returns the function that opens it, with a first term.
export function makeFinder({ visit, showError }) {
  const dialog = document.getElementById("finder");
  const input = dialog.querySelector("input");
  const results = document.getElementById("finder-results");
  let asked = 0;

  const open = (term = "") => {
    if (dialog.open) return;
    input.value = term;
    dialog.showModal();
    show(term);
  };

  const option = (row, id) => {
    row.setAttribute("role", "option");
    row.id = `option-${id}`;
    results.append(row);
  };

  const title = (text) => {
    const line = document.createElement("p");
    line.className = "finder__group";
    line.setAttribute("role", "presentation");
    line.textContent = text;
    results.append(line);
  };

  const chatsMatching = (term) => [...document.querySelectorAll("#chats [data-chat]")].filter((row) =>
    row.querySelector("[data-name]").textContent.toLowerCase().includes(term)).slice(0, 8);

  function render(term, found) {
    results.replaceChildren();
    const chats = chatsMatching(term.toLowerCase());
    if (chats.length) title(gettext("Chats"));
    for (const chat of chats) {
      const name = chat.querySelector("[data-name]").textContent;
      const row = personRow("div", chat.dataset.chat, name, chat.querySelector(".chat-row__last").textContent);
      row.querySelector(".avatar").className = chat.querySelector(".avatar").className;
      row.dataset.href = chat.getAttribute("href");
      option(row, chat.dataset.chat);
    }
    const shown = new Set(chats.map((chat) => chat.dataset.peer));
    const others = found.filter((person) => !shown.has(person.id));
    if (others.length) title(gettext("People"));
    for (const person of others) {
      const row = personRow("div", person.id, nameOf(person), `@${person.username}`);
      row.dataset.user = person.id;
      option(row, person.id);
    }
    if (!chats.length && !others.length) {
      const line = document.createElement("p");
      line.className = "empty";
      line.textContent = term ? fill(gettext("Nothing found for “%(q)s”."), { q: term }) : gettext("Type the beginning of a name or title.");
      results.append(line);
    }
    select(options()[0]);
  }

  const options = () => [...results.querySelectorAll("[role=option]")];
  const selected = () => results.querySelector("[aria-selected=true]");

  function select(row) {
    selected()?.setAttribute("aria-selected", "false");
    row?.setAttribute("aria-selected", "true");
    row?.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", row?.id ?? "");
  }

  const ask = debounced(async (term, number) => {
    const found = await people(term).catch(() => null);
    if (number !== asked) return;
    if (!found) return showError(gettext("The search didn't work. Try again."));
    render(term, found);
  }, PAUSE);

  function show(term) {
    asked += 1;
    if (!term.trim()) render("", []);
    else ask(term.trim(), asked);
  }

  async function choose(row) {
    if (!row) return;
    dialog.close();
    if (row.dataset.href) return visit(row.dataset.href);
    try {
      const chat = await api("POST", "/chats", { kind: "direct", user_id: row.dataset.user });
      visit(`/chats/${chat.id}/`);
    } catch (error) {
      showError(textOf(error));
    }
  }

  input.addEventListener("input", () => show(input.value));
  dialog.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const all = options();
    if (step && all.length) {
      event.preventDefault();
      select(all.at((all.indexOf(selected()) + step) % all.length));
    } else if (event.key === "Enter") {
      event.preventDefault();
      choose(selected());
    }
  });
  results.addEventListener("click", (event) => choose(event.target.closest("[role=option]")));
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  return open;
}
