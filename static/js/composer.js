// Where one writes: the draft that stays, the quoted message, editing, and the keys.
import { calm, newId } from "./api.js";
import { me, say } from "./words.js";

const NEAR_LIMIT = 200;
const fine = matchMedia("(pointer: fine)");

export class Composer {
  constructor(talk) {
    this.talk = talk;
    this.form = document.getElementById("composer");
    this.input = this.form.elements.text;
    this.strip = document.getElementById("strip");
    this.key = `draft:${me.id}:${talk.id}`;
    this.editing = null;
    this.input.maxLength = talk.limit;
    this.stored = talk.draft; // as the server has it; what it has not is kept here
    if (this.input.value === this.stored) this.input.value = localStorage.getItem(this.key) ?? this.stored;
    this.save = calm(() => this.#keep(), 250);
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.input.addEventListener("input", () => {
      this.#measure();
      this.save();
      if (this.input.value.trim() && !this.editing) this.onTyping();
      this.#drafts("later");
    });
    this.input.addEventListener("keydown", (event) => this.#key(event));
    document.getElementById("strip-close").addEventListener("click", (event) => {
      event.preventDefault();
      this.cancel();
    });
    this.#measure();
    if (fine.matches) this.input.focus({ preventScroll: true });
  }

  get isBusy() {
    return Boolean(this.editing || this.form.elements.reply_to.value);
  }

  reply({ id, name, text }) {
    if (this.editing) this.cancel();
    this.form.elements.reply_to.value = id;
    this.#show("reply", name, text);
  }

  edit({ id, text }) {
    if (!this.editing) this.before = this.input.value;
    this.editing = { id, text };
    this.form.elements.reply_to.value = "";
    this.#show("edit", say("editing"), text);
    this.input.value = text;
    this.input.setSelectionRange(text.length, text.length);
    this.#measure();
  }

  cancel() {
    if (this.editing) this.input.value = this.before;
    this.editing = null;
    this.form.elements.reply_to.value = "";
    this.strip.hidden = true;
    this.#measure();
    this.input.focus();
  }

  #show(icon, title, text) {
    const use = this.strip.querySelector("use");
    use.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#${icon}`));
    this.strip.querySelector("b").textContent = title;
    this.strip.querySelector(".quote span").textContent = text.slice(0, 140);
    this.strip.hidden = false;
    this.input.focus();
  }

  #submit() {
    const text = this.input.value.trim();
    if (!text || text.length > this.talk.limit) return;
    if (this.editing) {
      const { id, text: earlier } = this.editing;
      this.cancel();
      if (text !== earlier) this.onEdit(id, text);
      return;
    }
    const reply = this.form.elements.reply_to.value;
    this.onSend({
      message_id: newId(), chat_id: this.talk.id, text,
      sent_at: new Date().toISOString(), ...(reply ? { reply_to: reply } : {}),
    });
    this.input.value = "";
    this.cancel();
    this.#keep();
    if (this.stored) this.#drafts("store");
  }

  #key(event) {
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey && fine.matches) {
      event.preventDefault();
      this.#submit();
    } else if (event.key === "ArrowUp" && !this.input.value && !this.isBusy) {
      event.preventDefault();
      this.onEditLast();
    } else if (event.key === "Escape" && this.isBusy) {
      event.stopPropagation();
      this.cancel();
    }
  }

  get draft() {
    const text = this.editing ? this.before : this.input.value;
    return text.trim() ? text : "";
  }

  close() {
    if (this.drafts) this.#drafts("close");
  }

  // Written on another device.
  heard(draft) {
    if (this.input.value === this.stored && !this.editing) this.input.value = draft;
    this.stored = draft;
    this.#measure();
  }

  #keep() {
    if (this.draft === this.stored) localStorage.removeItem(this.key);
    else localStorage.setItem(this.key, this.draft);
  }

  async #drafts(what) {
    const { draft } = this; // as it is now, whatever becomes of the page meanwhile
    this.drafts ??= import("./drafts.js").then(({ Drafts }) => new Drafts(this), () => null);
    const drafts = await this.drafts;
    if (drafts) drafts[what](draft);
    else this.drafts = null; // offline; tried again with the next letter
  }

  #measure() {
    const left = this.talk.limit - this.input.value.length;
    const counter = document.getElementById("left");
    counter.hidden = left > NEAR_LIMIT;
    counter.textContent = left;
    if (CSS.supports("field-sizing", "content")) return;
    this.input.style.height = "auto";
    this.input.style.height = `${this.input.scrollHeight}px`;
  }
}
